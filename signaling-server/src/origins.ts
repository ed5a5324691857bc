/**
 * Which web pages may talk to this server: its own, pages on this machine (agents serve theirs at
 * localhost), and origins that the owner named. Programs send no Origin and are held off by tokens alone.
 */
const LOCAL_HOSTS: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/** The part of a request that decides; Node's own requests and the cors package's both fit. */
interface RequestHead {
  headers: { origin?: string | undefined; host?: string | undefined }
}

export type OriginCheck = (request: RequestHead) => boolean

export function originCheck(extra: readonly string[]): OriginCheck {
  const named = new Set(extra.map((origin) => new URL(origin).origin))
  return (request) => {
    const { origin, host } = request.headers
    if (origin === undefined) return true
    const parsed = URL.canParse(origin) ? new URL(origin) : null
    if (parsed === null || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) return false
    return parsed.host === host || LOCAL_HOSTS.has(parsed.hostname) || named.has(parsed.origin)
  }
}

/** CORS headers of one answer. A foreign origin gets none, so its page can't read what comes. */
export function corsHeaders(request: RequestHead, allowed: OriginCheck): Record<string, string> {
  const { origin } = request.headers
  if (origin === undefined || !allowed(request)) return { Vary: 'Origin' }
  return { Vary: 'Origin', 'Access-Control-Allow-Origin': origin }
}

/**
 * Which session this notebook controls, from the link that the terminal printed. Both tokens come in the fragment,
 * which browsers never send, are kept for this tab alone and leave the address bar, so that a copied address or a
 * screenshot gives nobody control. Not for: talking to the server.
 */

/** Tab storage: gone when the tab closes, unknown to other tabs. */
const KEY = 'rondo.notebook.session'
const NAME = /^[A-Za-z0-9._-]{1,64}$/
const TOKEN = /^[\w-]{1,128}$/

export interface SessionLink {
  session: string
  controlToken: string
  joinToken: string
  /** Origin by which other machines reach the server; the page's own where there is none. */
  invite: string
}

/** Where a link is read from and kept; a page gives its own. */
export interface LinkPlace {
  address: string
  /** null where the browser keeps nothing for this page. */
  storage: Pick<Storage, 'getItem' | 'setItem'> | null
  /** Shows another address without loading anything. */
  replaceAddress(address: string): void
}

/** The link of the address, else the one this tab was opened with; null when there is neither. */
export function takeSessionLink({ address, storage, replaceAddress }: LinkPlace): SessionLink | null {
  const url = new URL(address)
  const given = linkOf(url)
  if (given !== null) {
    keep(storage, given)
    const rest = new URLSearchParams(url.hash.slice(1))
    for (const secret of ['control', 'token']) rest.delete(secret)
    url.hash = rest.toString()
    replaceAddress(url.href.replace(/#$/, ''))
    return given
  }
  return kept(storage)
}

/** The link by which another machine joins. It holds the join token only. */
export function inviteLink({ invite, session, joinToken }: SessionLink): string {
  const url = new URL('/join/', invite)
  url.searchParams.set('session', session)
  url.hash = `token=${encodeURIComponent(joinToken)}`
  return url.href
}

/** True where the address is one that only this machine can reach. */
export function isLocalAddress(address: string): boolean {
  const host = new URL(address).hostname
  return host === 'localhost' || host.endsWith('.localhost') || host.startsWith('127.') || host === '[::1]'
}

/** What a person does about a notebook that controls no session. */
export function withoutSession(address: string): string {
  return isLocalAddress(address)
    ? 'Cells run here. To launch on several devices, open the notebook by the link that "npm start" printed in the terminal.'
    : 'Cells run here. Launching on several devices is for whoever started the server: ask that person to open the notebook on the machine where "npm start" runs, or take part yourself by the join link.'
}

function linkOf(url: URL): SessionLink | null {
  const secrets = new URLSearchParams(url.hash.slice(1))
  const lan = url.searchParams.get('lan')
  return checked({
    session: url.searchParams.get('session'),
    controlToken: secrets.get('control'),
    joinToken: secrets.get('token'),
    invite: originOf(lan) ?? url.origin,
  })
}

function kept(storage: LinkPlace['storage']): SessionLink | null {
  try {
    const text = storage?.getItem(KEY) ?? null
    return text === null ? null : checked(JSON.parse(text) as Record<string, unknown>)
  } catch {
    // Blocked or spoilt storage is the same as none.
    return null
  }
}

function keep(storage: LinkPlace['storage'], link: SessionLink): void {
  try {
    storage?.setItem(KEY, JSON.stringify(link))
  } catch {
    // Then a reload of the page needs the printed link again.
  }
}

function checked({ session, controlToken, joinToken, invite }: Record<string, unknown>): SessionLink | null {
  const fits =
    typeof session === 'string' &&
    NAME.test(session) &&
    typeof controlToken === 'string' &&
    TOKEN.test(controlToken) &&
    typeof joinToken === 'string' &&
    TOKEN.test(joinToken)
  const origin = typeof invite === 'string' ? originOf(invite) : null
  return fits && origin !== null ? { session, controlToken, joinToken, invite: origin } : null
}

function originOf(text: string | null): string | null {
  if (text === null || !URL.canParse(text)) return null
  const { protocol, origin } = new URL(text)
  return protocol === 'http:' || protocol === 'https:' ? origin : null
}

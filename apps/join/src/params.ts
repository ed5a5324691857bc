/**
 * What the page's own address says: which session, by which token, and how an agent opened it. The token
 * sits in the fragment, which browsers never send anywhere. Not for: talking to the server.
 */
import { MAX_SLOTS_PER_PAGE } from '@rondo/protocol'

export interface JoinParams {
  /** Null when the address names no session, or none that could exist. */
  session: string | null
  token: string
  /** Origin of the signaling server. */
  server: string
  /** Join at once, without asking: an agent opened this page. */
  auto: boolean
  /** Given by agents, which number their tabs; null for people. */
  nodeId: string | null
  label: string | null
  firstLocalRank: number | null
  slots: number
  /** `--interface`: the only addresses of this machine for WebRTC; null for the browser's choice. */
  iceAddresses: readonly string[] | null
  /** Origin by which other machines reach this server, when it differs from this page's own. */
  invite: string
}

const NAME = /^[A-Za-z0-9._-]{1,64}$/
const ADDRESS = /^[0-9a-fA-F:.]{2,45}$/
const ID = /^[A-Za-z0-9_-]{1,64}$/
/** Characters of a node's label, as the protocol takes them. */
export const MAX_LABEL_CHARS = 120

/** Reads a join URL. Anything malformed counts as not given: the page then says what is missing. */
export function readParams(address: string): JoinParams {
  const url = new URL(address)
  const query = url.searchParams
  const session = query.get('session')
  const node = query.get('node')
  const server = origin(query.get('server')) ?? url.origin
  return {
    session: session !== null && NAME.test(session) ? session : null,
    token: new URLSearchParams(url.hash.slice(1)).get('token') ?? '',
    server,
    auto: query.get('auto') === '1',
    nodeId: node !== null && ID.test(node) ? node : null,
    label: query.get('label')?.slice(0, MAX_LABEL_CHARS) || null,
    firstLocalRank: whole(query.get('first'), 0, Number.MAX_SAFE_INTEGER),
    slots: whole(query.get('slots'), 1, MAX_SLOTS_PER_PAGE) ?? 1,
    iceAddresses: addresses(query.get('ice')),
    invite: origin(query.get('lan')) ?? server,
  }
}

function addresses(given: string | null): string[] | null {
  const list = given?.split(',').filter((address) => ADDRESS.test(address)) ?? []
  return list.length > 0 ? list : null
}

/** The link by which another machine joins: session and token, nothing of this page's own. */
export function inviteLink(params: JoinParams): string {
  const url = new URL('/join/', params.invite)
  url.searchParams.set('session', params.session ?? '')
  if (params.token !== '') url.hash = `token=${encodeURIComponent(params.token)}`
  return url.href
}

/** True where the origin is one that only this machine can reach. */
export function isLocalOrigin(address: string): boolean {
  const host = new URL(address).hostname
  return host === 'localhost' || host.endsWith('.localhost') || host.startsWith('127.') || host === '[::1]'
}

function origin(text: string | null): string | null {
  if (text === null || !URL.canParse(text)) return null
  const url = new URL(text)
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.origin : null
}

function whole(text: string | null, least: number, most: number): number | null {
  if (text === null || !/^\d{1,9}$/.test(text)) return null
  const value = Number(text)
  return value >= least && value <= most ? value : null
}

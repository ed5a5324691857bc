/**
 * The few words that two ends of a link say to each other beside frames: hello, file, bye. They come
 * from outside, so they are parsed. Not for: signaling (protocol) or operations (collectives).
 */

/** Bytes of padding that a peer may announce to warm a path up. */
export const MAX_PADDING_BYTES = 16_777_216

export type LinkControl =
  /** The first word on every link. `presence` names the web lock that the sender's worker holds while it lives. */
  | { kind: 'hello'; rank: number; presence: string | null; padding: number }
  /** Names a file that both tabs open for large frames: first proposed, then agreed to. Ports only. */
  | { kind: 'file'; name: string }
  /** The last word: why the sender ends the link. */
  | { kind: 'bye'; clean: boolean; reason: string }

/** Between several lanes of one link: the number of the message that comes next on this one. */
export type LaneWord = LinkControl | { kind: 'from'; number: number }

const MAX_REASON_CHARS = 500
const FILE_NAME = /^[A-Za-z0-9-]{1,64}$/
const PRESENCE = /^rondo-[A-Za-z0-9-]{1,64}$/

const isCount = (x: unknown, max: number): x is number =>
  Number.isInteger(x) && (x as number) >= 0 && (x as number) <= max

/** Null for anything that is no control message of ours. */
export function parseControl(value: unknown): LinkControl | null {
  if (typeof value !== 'object' || value === null) return null
  const { kind, rank, presence, padding, name, clean, reason } = value as Record<string, unknown>
  if (kind === 'hello') {
    const named = presence === null || (typeof presence === 'string' && PRESENCE.test(presence))
    if (!isCount(rank, 65_535) || !named || !isCount(padding, MAX_PADDING_BYTES)) return null
    return { kind, rank, presence, padding }
  }
  if (kind === 'file' && typeof name === 'string' && FILE_NAME.test(name)) return { kind, name }
  if (kind === 'bye' && typeof clean === 'boolean' && typeof reason === 'string') {
    return { kind, clean, reason: reason.slice(0, MAX_REASON_CHARS) }
  }
  return null
}

/** The same for a lane that is one of several. */
export function parseLaneWord(value: unknown): LaneWord | null {
  if (typeof value !== 'object' || value === null) return null
  const { kind, number } = value as Record<string, unknown>
  if (kind !== 'from') return parseControl(value)
  return isCount(number, Number.MAX_SAFE_INTEGER) ? { kind, number } : null
}

/**
 * Who may do what over HTTP beside files of a run: the tokens of the session that this process controls, and what
 * its notebook may import. Filled in once the session exists. Not for: the signaling server's own checks.
 */
import { createHash, timingSafeEqual } from 'node:crypto'

export type Grant = 'control' | 'join'

export class SessionAccess {
  /** Absolute path of the folder whose modules cells may import. */
  readonly folder: string
  /** Hosts of https modules that cells may import. */
  readonly importHosts: readonly string[]
  #tokens: Readonly<Record<Grant, string>> | null = null

  constructor(options: { folder: string; importHosts: readonly string[] }) {
    this.folder = options.folder
    this.importHosts = options.importHosts
  }

  /** From now on these tokens open what they are for. */
  open(tokens: Readonly<Record<Grant, string>>): void {
    this.#tokens = tokens
  }

  /** What a token from outside grants; null for a wrong one, for none, and before the session exists. */
  grants(token: unknown): Grant | null {
    if (this.#tokens === null || typeof token !== 'string') return null
    if (same(token, this.#tokens.control)) return 'control'
    return same(token, this.#tokens.join) ? 'join' : null
  }

  /** The token that lets ranks take part. */
  get joinToken(): string | null {
    return this.#tokens?.join ?? null
  }
}

/** Compares digests in constant time, so that the answer's delay tells nothing. */
function same(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(wanted))
}

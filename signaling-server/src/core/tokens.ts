/** Tokens that cannot be guessed, and comparing them without telling how much of a guess was right. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** Bytes of randomness in a token: 144 bits, 24 characters in a URL. */
const TOKEN_BYTES = 18

export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url')
}

/** Equal texts, in a time that does not depend on where they differ. */
export function sameSecret(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return false
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}

/** Ids of cells as nbformat 4.5 wants them: 1 to 64 letters, digits, dashes or underscores, unique in a notebook. */

const PATTERN = /^[a-zA-Z0-9_-]{1,64}$/
/** Random bytes of a new id; 48 bits, so that two notebooks merged by hand do not meet. */
const ID_BYTES = 6

export function isCellId(value: unknown): value is string {
  return typeof value === 'string' && PATTERN.test(value)
}

/** A new id. Works on insecure pages too, where `crypto.randomUUID` is missing. */
export function newCellId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_BYTES))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

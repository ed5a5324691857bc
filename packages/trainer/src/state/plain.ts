/** Fields of an object that are plain data: what can be kept in a file or sent back without knowing the object. */

/** Levels of nesting that are copied. */
const MAX_DEPTH = 16

/** Numbers, texts, booleans, null, typed arrays, and arrays and plain objects of these. */
export function isPlainData(value: unknown, depth = 0): boolean {
  if (value === null || ['number', 'string', 'boolean', 'undefined'].includes(typeof value)) return true
  if (typeof value !== 'object' || depth > MAX_DEPTH) return false
  if (ArrayBuffer.isView(value)) return !(value instanceof DataView)
  if (Array.isArray(value)) return value.every((item) => isPlainData(item, depth + 1))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  return Object.values(value as object).every((item) => isPlainData(item, depth + 1))
}

/** Copies of all own fields that are plain data. */
export function plainFields(owner: object): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(owner)) if (isPlainData(value)) fields[key] = structuredClone(value)
  return fields
}

/** Puts them back; fields that the object never had are added. */
export function assignPlainFields(owner: object, fields: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(fields)) {
    if (key !== '__proto__') (owner as Record<string, unknown>)[key] = structuredClone(value)
  }
}

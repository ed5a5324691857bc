/**
 * JSON that comes back as it was: keys sorted as Jupyter sorts them, and integers too large for a double kept as
 * they were written, where the engine can (Chromium 114 and on; others round them as `JSON.parse` does).
 */

/** What newer engines add to `JSON`; not in TypeScript's library for ES2023. */
interface SourceAccess {
  rawJSON?(text: string): object
  isRawJSON?(value: unknown): boolean
}
const json: SourceAccess = JSON as SourceAccess

/** A whole number that a double cannot hold exactly. */
const LONG_INTEGER = /^-?\d{16,}$/

export function parseExact(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value) || json.rawJSON === undefined) return value
    const source = context?.source
    return source !== undefined && LONG_INTEGER.test(source) ? json.rawJSON(source) : value
  })
}

/** One space of indent, sorted keys. */
export function stringifyExact(value: unknown): string {
  return JSON.stringify(sorted(value), null, 1)
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null || json.isRawJSON?.(value) === true) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]))
}

/**
 * Texts as nbformat stores them: lists of lines that keep their line ends. Lines end where Jupyter's own writer
 * ends them, so that a file that it wrote comes back with the same lists.
 */

/** Every line boundary of Unicode that Python's `str.splitlines` knows; `\r\n` is one. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these controls are line ends in the format
const LINE = /[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]*(?:\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]|$)/g

/** `'a\nb'` → `['a\n', 'b']`; an empty text has no lines. */
export function toLines(text: string): string[] {
  return (text.match(LINE) ?? []).filter((line) => line !== '')
}

/** The text of a list of lines or of a plain string; null for anything else. */
export function fromLines(value: unknown): string | null {
  if (typeof value === 'string') return value
  if (Array.isArray(value) && value.every((line) => typeof line === 'string')) return value.join('')
  return null
}

/** JSON types hold any value; everything else is text. */
export function isJsonMime(mime: string): boolean {
  return mime === 'application/json' || (mime.startsWith('application/') && mime.endsWith('+json'))
}

/** Types whose texts Jupyter stores as lines; others (images in base64) stay one string. */
export function isLinedMime(mime: string): boolean {
  return mime.startsWith('text/') || mime === 'application/javascript' || mime === 'image/svg+xml'
}

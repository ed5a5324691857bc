/**
 * Which of a bundle's forms is shown. Pure. Before a reader trusts a notebook only forms that can do nothing are
 * chosen: plain text and pictures.
 */
import { MIME, type MimeBundle } from '@rondo/kernel/output'

/** Richest first. Scripts and widgets of other systems are not here: they are shown by their `text/plain`. */
const RICH = [
  MIME.run,
  MIME.chart,
  MIME.plot,
  MIME.tensor,
  MIME.table,
  MIME.inspect,
  'text/html',
  'text/markdown',
] as const
const PICTURES = [
  'image/svg+xml',
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'image/bmp',
] as const
const TEXTS = ['text/latex', 'application/json', 'text/plain'] as const

export type ShownMime = (typeof RICH)[number] | (typeof PICTURES)[number] | (typeof TEXTS)[number]

const TRUSTED_ORDER: readonly ShownMime[] = [...RICH, ...PICTURES, ...TEXTS]
const UNTRUSTED_ORDER: readonly ShownMime[] = [...PICTURES, 'text/plain']

/** Forms that can be shown, best first. */
export function shownMimes(data: MimeBundle, trusted: boolean): ShownMime[] {
  return (trusted ? TRUSTED_ORDER : UNTRUSTED_ORDER).filter((mime) => data[mime] !== undefined && data[mime] !== null)
}

/** True when trust would show more of this bundle. */
export function hidesMore(data: MimeBundle, trusted: boolean): boolean {
  return !trusted && RICH.some((mime) => data[mime] !== undefined)
}

/** Types of a bundle that no view of ours shows, for the sentence that says so. */
export function unknownMimes(data: MimeBundle): string[] {
  return Object.keys(data).filter((mime) => !(TRUSTED_ORDER as readonly string[]).includes(mime))
}

/** Text of a bundle's entry: nbformat allows a list of lines, and JSON types anything. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (Array.isArray(content) && content.every((line) => typeof line === 'string')) return content.join('')
  return JSON.stringify(content, null, 2) ?? ''
}

/** An address for an `<img>`: inert there, even as SVG. Null when the content is no picture. */
export function pictureUrl(mime: ShownMime, content: unknown): string | null {
  const text = textOf(content)
  if (mime === 'image/svg+xml') return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`
  const base64 = text.replaceAll(/\s/g, '')
  return /^[A-Za-z0-9+/]+={0,2}$/.test(base64) ? `data:${mime};base64,${base64}` : null
}

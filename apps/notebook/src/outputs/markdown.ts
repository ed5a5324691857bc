/** Markdown to HTML text, as Jupyter reads it: GitHub's dialect, attachments, formulas kept as written. Not for: cleaning. */
import type { MimeBundle } from '@rondo/kernel/output'
import { Marked, type TokenizerAndRendererExtension } from 'marked'
import { pictureUrl, type ShownMime } from './mime.ts'

/** `$…$` and `$$…$$` are shown as they were typed: Markdown's own marks inside them mean nothing. */
const formula: TokenizerAndRendererExtension = {
  name: 'formula',
  level: 'inline',
  start: (source) => source.indexOf('$'),
  tokenizer(source) {
    const match = /^\$\$[^$]+\$\$|^\$(?!\s)[^$\n]*[^\s$]\$(?!\d)/.exec(source)
    return match === null ? undefined : { type: 'formula', raw: match[0], text: match[0] }
  },
  renderer: (token) => `<code class="formula">${escapeHtml(String(token['text']))}</code>`,
}

/** HTML that still must be sanitised. Headings get an `id`, as links inside of notebooks expect. */
export function markdownToHtml(source: string, attachments: Readonly<Record<string, MimeBundle>> | null): string {
  const marked = new Marked({ gfm: true, extensions: [formula] })
  marked.use({
    extensions: [formula],
    walkTokens(token) {
      if (token.type === 'image' && typeof token['href'] === 'string') {
        token['href'] = attachmentUrl(token['href'], attachments) ?? token['href']
      }
    },
    renderer: {
      checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
      heading({ tokens, depth, text }) {
        return `<h${depth} id="${escapeHtml(text.trim().replaceAll(/\s+/g, '-'))}">${this.parser.parseInline(tokens)}</h${depth}>`
      },
    },
  })
  return marked.parse(source, { async: false })
}

function attachmentUrl(href: string, attachments: Readonly<Record<string, MimeBundle>> | null): string | null {
  if (!href.startsWith('attachment:')) return null
  const bundle = attachments?.[safeDecode(href.slice('attachment:'.length))]
  const [mime, content] = Object.entries(bundle ?? {}).find(([type]) => type.startsWith('image/')) ?? []
  return mime === undefined ? null : pictureUrl(mime as ShownMime, content)
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

/**
 * HTML and Markdown on the page, cleaned. HTML of an output lives in a shadow tree inside a box of its own, so that
 * neither its styles nor its positions reach the page. Not for: what is allowed (sanitize.ts).
 */
/// <reference path="./inline-css.d.ts" />
import type { MimeBundle } from '@rondo/kernel/output'
import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import shadowStyles from './shadow.css?inline'

export interface HtmlViewProps {
  html: string
  trusted: boolean
  /** Shown until the cleaner is loaded. */
  plain: string
}

export function HtmlView({ html, trusted, plain }: HtmlViewProps): VNode {
  const host = useRef<HTMLDivElement>(null)
  const [shown, setShown] = useState(false)
  const [wide, setWide] = useState(false)
  useEffect(() => {
    let gone = false
    void import('./rich.ts').then(({ sanitizeHtml }) => {
      const element = host.current
      if (gone || element === null) return
      const shadow = element.shadowRoot ?? element.attachShadow({ mode: 'open' })
      const style = document.createElement('style')
      style.textContent = shadowStyles
      shadow.replaceChildren(style, sanitizeHtml(html, { trusted, styles: true }))
      setShown(true)
      setWide(element.scrollWidth > element.clientWidth)
    })
    return () => {
      gone = true
    }
  }, [html, trusted])
  return (
    <div class="html-box" data-testid="html">
      {!shown && <pre>{plain}</pre>}
      {/* What scrolls must be reachable by keyboard. */}
      <div
        ref={host}
        class="html-host"
        {...(wide ? { tabIndex: 0, role: 'region', 'aria-label': 'Wide output' } : {})}
      />
    </div>
  )
}

export interface MarkdownViewProps {
  source: string
  /** False: pictures of other origins are not loaded. */
  trusted: boolean
  /** Of a Markdown cell: file name → MIME bundle. */
  attachments?: Readonly<Record<string, MimeBundle>> | null
}

/** For Markdown cells and Markdown outputs. Shows the source until the reader for it is loaded. */
export function MarkdownView({ source, trusted, attachments = null }: MarkdownViewProps): VNode {
  const host = useRef<HTMLDivElement>(null)
  const [shown, setShown] = useState(false)
  useEffect(() => {
    let gone = false
    void import('./rich.ts').then(({ markdownToHtml, sanitizeHtml }) => {
      if (gone || host.current === null) return
      const html = markdownToHtml(source, attachments)
      host.current.replaceChildren(sanitizeHtml(html, { trusted, styles: false }))
      setShown(true)
    })
    return () => {
      gone = true
    }
  }, [source, trusted, attachments])
  return (
    <div class="html-box" data-testid="markdown">
      {!shown && <pre class="prose-source">{source}</pre>}
      <div ref={host} class="prose" />
    </div>
  )
}

/** Text with terminal colours as spans. Colours of the theme are classes, so that both themes can read them. */
import type { VNode } from 'preact'
import { type AnsiStyle, hasEscapes, parseAnsi } from './ansi.ts'

export function AnsiText({ text, style = null }: { text: string; style?: AnsiStyle | null }): VNode {
  if (style === null && !hasEscapes(text)) return <>{text}</>
  return (
    <>
      {parseAnsi(text, style).spans.map((span, i) =>
        span.style === null ? (
          span.text
        ) : (
          <span key={i} class={classOf(span.style)} style={coloursOf(span.style)}>
            {span.text}
          </span>
        ),
      )}
    </>
  )
}

function classOf({ fg, bg, bold, dim, italic, underline, strike, inverse }: AnsiStyle): string {
  const names = { bold, dim, italic, underline, strike, inverse }
  return [
    ...(typeof fg === 'number' ? [`ansi-fg-${fg}`] : []),
    ...(typeof bg === 'number' ? [`ansi-bg-${bg}`] : []),
    ...Object.entries(names).flatMap(([name, on]) => (on ? [`ansi-${name}`] : [])),
  ].join(' ')
}

function coloursOf({ fg, bg }: AnsiStyle): Record<string, string> {
  return {
    ...(typeof fg === 'string' ? { color: bg === null ? readable(fg) : fg } : {}),
    ...(typeof bg === 'string' ? { background: bg } : {}),
  }
}

/** A colour that was chosen for somebody's terminal, as light or dark as the page needs it. */
function readable(colour: string): string {
  return `light-dark(oklch(from ${colour} min(l, 0.5) c h), oklch(from ${colour} max(l, 0.74) c h))`
}

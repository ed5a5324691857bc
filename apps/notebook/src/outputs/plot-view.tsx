/** An Observable Plot. The library loads with the first plot; its place is reserved until then. */
import type { PlotSpec } from '@rondo/kernel/output'
import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { drawPlot, isSafeLink, type PlotLibrary } from './plot-spec.ts'

/** CSS pixels. Wider plots are drawn as wide as the cell, up to this. */
const MAX_WIDTH_PX = 860
/** Plot's own height where a spec names none. */
const DEFAULT_HEIGHT_PX = 400

export function PlotView({ spec }: { spec: PlotSpec }): VNode {
  const host = useRef<HTMLDivElement>(null)
  const [failure, setFailure] = useState('')
  const [drawn, setDrawn] = useState(false)
  useEffect(() => {
    let gone = false
    import('@observablehq/plot')
      .then((library) => {
        const element = host.current
        if (gone || element === null) return
        const width = Math.min(MAX_WIDTH_PX, element.clientWidth)
        const figure = drawPlot(library as unknown as PlotLibrary, spec, width)
        for (const link of figure.querySelectorAll('a')) withoutUnsafeLink(link)
        // Plot names its marks, but a name needs a role for those who only hear it.
        for (const mark of figure.querySelectorAll('g[aria-label]:not([role])')) mark.setAttribute('role', 'img')
        element.replaceChildren(figure)
        setDrawn(true)
        setFailure('')
      })
      .catch((error: unknown) => {
        if (!gone) setFailure(error instanceof Error ? error.message : String(error))
      })
    return () => {
      gone = true
    }
  }, [spec])
  const height = Number(spec.options['height'])
  const reserved = drawn ? {} : { minHeight: `${height > 0 ? height : DEFAULT_HEIGHT_PX}px` }
  return (
    <div class="plot" data-testid="plot" style={failure === '' ? reserved : {}}>
      {failure !== '' && <p class="tone-fail">This plot cannot be drawn: {failure}</p>}
      <div ref={host} />
    </div>
  )
}

function withoutUnsafeLink(link: Element): void {
  for (const name of ['href', 'xlink:href']) {
    const href = link.getAttribute(name)
    if (href !== null && !isSafeLink(href)) link.removeAttribute(name)
  }
  link.setAttribute('target', '_blank')
  link.setAttribute('rel', 'noopener noreferrer')
}

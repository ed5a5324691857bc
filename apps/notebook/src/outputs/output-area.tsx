/** A cell's outputs, in order, each by its own view. Not for: collecting them (merge.ts) or the cell around them. */
import { RankChip } from '@rondo/ui'
import type { VNode } from 'preact'
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import type { CellOutput } from '../model/notebook.ts'
import { type Block, blocksOf } from './blocks.ts'
import type { ErrorPlace } from './error-place.ts'
import { ErrorView } from './error-view.tsx'
import { LogView } from './log-view.tsx'
import { MimeView } from './mime-view.tsx'
import './outputs.css'
import './values.css'

export interface OutputAreaProps {
  outputs: readonly CellOutput[]
  cellId: string
  /** False until the reader trusts the notebook: then only plain text and images are shown. */
  trusted: boolean
  /** While true the area does not get smaller, so that nothing below it jumps. */
  running: boolean
  /** Text of a line (1-based) of a cell as it is now, for errors; null when cell or line is gone. */
  sourceLine?: (cellId: string, line: number) => string | null
  /** A person wants to see this place in the editor. */
  onJump?: (place: ErrorPlace) => void
}

export function OutputArea(props: OutputAreaProps): VNode {
  const { outputs, cellId, running } = props
  const blocks = useMemo(() => blocksOf(outputs), [outputs])
  const area = useStableHeight(running)
  return (
    <div class="outputs" ref={area} data-testid="outputs" data-cell={cellId}>
      {blocks.map((block) => (
        <div key={block.key} class={`output output-${block.kind}`}>
          <BlockView block={block} {...props} />
        </div>
      ))}
    </div>
  )
}

function BlockView({ block, trusted, sourceLine, onJump }: { block: Block } & OutputAreaProps): VNode {
  switch (block.kind) {
    case 'log':
      return <LogView outputs={block.outputs} label="Printed output" />
    case 'error':
      return <ErrorView output={block.output} sourceLine={sourceLine} onJump={onJump} />
    case 'value':
      return <MimeView data={block.output.data} metadata={block.output.metadata} trusted={trusted} />
    case 'ranks':
      return (
        <ul class="rank-values" aria-label="Values of the ranks">
          {block.values.map(({ ranks, output }, i) => (
            <li key={i}>
              <span class="rank-label">
                {ranks.length === 1 ? 'rank' : 'ranks'}
                {ranks.map((rank) => (
                  <RankChip key={rank} rank={rank} />
                ))}
              </span>
              <div class="rank-value">
                <MimeView data={output.data} metadata={output.metadata} trusted={trusted} />
              </div>
            </li>
          ))}
        </ul>
      )
    default:
      return block satisfies never
  }
}

/**
 * While a cell runs, its area keeps the height that it had: a run begins by clearing what was there, and what is
 * below would jump up and down again.
 */
function useStableHeight(running: boolean) {
  const area = useRef<HTMLDivElement>(null)
  const tallest = useRef(0)
  useLayoutEffect(() => {
    const element = area.current
    if (element === null) return undefined
    if (!running) {
      element.style.minHeight = ''
      // Read when the next run begins, too late then: the outputs are gone by that time.
      tallest.current = element.getBoundingClientRect().height
    }
    const observer = new ResizeObserver(() => {
      if (!running) tallest.current = element.getBoundingClientRect().height
      else {
        tallest.current = Math.max(tallest.current, element.getBoundingClientRect().height)
        element.style.minHeight = `${tallest.current}px`
      }
    })
    if (running && tallest.current > 0) element.style.minHeight = `${tallest.current}px`
    observer.observe(element)
    return () => observer.disconnect()
  }, [running])
  return area
}

/** What the ranks print, labelled by rank; a bounded window on the latest lines. */
import { formatCount, RankChip } from '@rondo/ui'
import type { VNode } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { ViewProps } from './app.tsx'

/** Pixels from the end within which a person counts as reading along. */
const FOLLOW_DISTANCE = 24

export function ConsolePanel({ state }: ViewProps): VNode {
  const pane = useRef<HTMLDivElement>(null)
  const following = useRef(true)
  const lines = state.run?.console ?? []
  const count = state.run?.consoleCount ?? 0
  useLayoutEffect(() => {
    const element = pane.current
    if (element && following.current) element.scrollTop = element.scrollHeight
  }, [count])
  const onScroll = () => {
    const element = pane.current
    if (element) following.current = element.scrollHeight - element.scrollTop - element.clientHeight < FOLLOW_DISTANCE
  }
  return (
    <section class="panel area-console" aria-label="Console">
      <details class="fold" open={count > 0}>
        <summary>
          <h2>Console</h2>
          <span class="num">{count > 0 ? `${formatCount(count)} lines` : 'nothing printed yet'}</span>
        </summary>
        <div class="console" ref={pane} onScroll={onScroll} role="log" aria-live="off" data-testid="console">
          {lines.map((line) => (
            <div key={line.id} class={`console-line console-${line.level}`}>
              <RankChip rank={line.rank} />
              <span>{line.text}</span>
            </div>
          ))}
        </div>
      </details>
    </section>
  )
}

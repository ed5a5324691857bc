/** Consoles of the ranks, labelled and foldable; ranks that print the same share one. Not for: grouping them (lanes.ts). */
import { formatCount, plural, RankChip } from '@rondo/ui'
import type { VNode } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { AnsiText } from '../outputs/ansi-text.tsx'
import type { GroupedLanes, Lane, LaneGroup } from './lanes.ts'

/** Pixels from the end within which a person counts as reading along. */
const FOLLOW_PX = 24

export interface LanesViewProps {
  consoles: GroupedLanes
  live: boolean
  /** The rank whose console is open at first; null for the lowest that printed. */
  culprit: number | null
  /** What each rank's node is called. */
  nodes: ReadonlyMap<number, string>
}

export function LanesView({ consoles, live, culprit, nodes }: LanesViewProps): VNode | null {
  const { groups, silent } = consoles
  const guilty = groups.findIndex(({ ranks }) => culprit !== null && ranks.includes(culprit))
  const first = Math.max(0, guilty)
  if (groups.length === 0) return null
  return (
    <div class="lanes" data-testid="lanes">
      {groups.map((group, i) => (
        <details key={group.ranks[0]} class="fold lane" open={i === first}>
          <summary>
            {group.ranks.map((rank) => (
              <RankChip key={rank} rank={rank} />
            ))}
            <span class="num">
              {whose(group.ranks, nodes)}
              {describe(group, live)}
            </span>
          </summary>
          <LaneConsole lane={group.lane} ranks={group.ranks} />
        </details>
      ))}
      {silent.length > 0 && (
        <p class="lanes-silent soft num">
          {silent.length === 1 ? 'Rank' : 'Ranks'} {silent.join(', ')} printed nothing{live ? ' yet' : ''}.
        </p>
      )}
    </div>
  )
}

/** The nodes of these ranks, where the run has more than one. */
function whose(ranks: readonly number[], nodes: ReadonlyMap<number, string>): string {
  if (new Set(nodes.values()).size < 2) return ''
  const named = new Set(ranks.map((rank) => nodes.get(rank)).filter((name) => name !== undefined))
  return named.size === 0 ? '' : `${[...named].join(', ')}: `
}

function describe({ ranks, lane }: LaneGroup, live: boolean): string {
  const lines = plural(lane.count, 'line')
  if (ranks.length === 1) return lines
  return `${lines}, the same on ${plural(ranks.length, 'rank')}${live ? ' so far' : ''}`
}

function LaneConsole({ lane, ranks }: { lane: Lane; ranks: readonly number[] }): VNode {
  const box = useRef<HTMLDivElement>(null)
  const following = useRef(true)
  useLayoutEffect(() => {
    const element = box.current
    if (element !== null && following.current) element.scrollTop = element.scrollHeight
  }, [lane.count])
  const onScroll = () => {
    const element = box.current
    if (element === null) return
    following.current = element.scrollHeight - element.scrollTop - element.clientHeight < FOLLOW_PX
  }
  const first = lane.count - lane.lines.length
  return (
    <div
      ref={box}
      class="lane-console"
      onScroll={onScroll}
      role="log"
      aria-live="off"
      aria-label={`Console of ${ranks.length === 1 ? 'rank' : 'ranks'} ${ranks.join(', ')}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
    >
      {first > 0 && <div class="soft">… {formatCount(first)} earlier lines were dropped …</div>}
      {lane.lines.map((line, i) => (
        <div key={first + i} class={`lane-${line.level}`}>
          <AnsiText text={line.text} />
        </div>
      ))}
    </div>
  )
}

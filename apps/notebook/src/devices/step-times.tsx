/** Where a step's time goes on each rank, so that the one that others wait for is seen. */
import { formatMs, RankChip, StepLanes } from '@rondo/ui'
import type { RunProgress } from '@rondo/ui/session'
import type { VNode } from 'preact'

/** Ranks that are listed; the ring's table has them all. */
const MAX_RANKS = 8
const PARTS = ['compute', 'readback', 'communication', 'apply'] as const

export function StepTimes({ run }: { run: RunProgress | null }): VNode | null {
  const ranks = Object.entries(run?.ranks ?? {}).flatMap(([rank, { progress }]) =>
    progress === null ? [] : [{ rank: Number(rank), progress }],
  )
  if (ranks.length === 0) return null
  return (
    <div class="devices-steps" data-testid="step-times">
      <h2>Time of a step</h2>
      <ul>
        {ranks.slice(0, MAX_RANKS).map(({ rank, progress }) => (
          <li key={rank}>
            <RankChip rank={rank} />
            <StepLanes times={progress.times} hiddenMs={progress.hiddenMs} />
            <span class="num">{formatMs(progress.times.total)}</span>
            <span class="visually-hidden">
              {PARTS.map((part) => `${part} ${formatMs(progress.times[part])}`).join(', ')}
            </span>
          </li>
        ))}
      </ul>
      <p class="step-legend soft" aria-hidden="true">
        {PARTS.map((part) => (
          <span key={part}>
            <span class={`step-key step-${part}`} />
            {part}
          </span>
        ))}
      </p>
    </div>
  )
}

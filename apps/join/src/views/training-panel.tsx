/** How training goes: the loss curve, how far it is, how fast, and where a step's time goes. */
import { LossChart, ProgressBar, rankColour, rankDash, StepBar } from '@rondo/ui'
import {
  figures,
  hasEnded,
  lossChart,
  lossSummary,
  metricName,
  metricText,
  myRanks,
  NO_LOSSES,
  shownMetrics,
} from '@rondo/ui/session'
import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'
import type { ViewProps } from './app.tsx'

/** Metrics shown as tiles; the rest is in the run's files. */
const MAX_TILES = 3

export function TrainingPanel({ state }: ViewProps): VNode {
  const { run } = state
  const shown = figures(state)
  const mine = myRanks(state).join()
  const losses = run?.losses ?? NO_LOSSES
  const chart = useMemo(() => {
    const ranks = mine === '' ? [] : mine.split(',').map(Number)
    return lossChart(
      losses,
      ranks.map((rank) => ({ rank, colour: rankColour(rank), dash: rankDash(rank) })),
    )
  }, [losses, mine])
  const metrics = run === null || run.state.status === 'done' ? [] : shownMetrics(run).slice(0, MAX_TILES)
  const waiting = run === null || !hasEnded(run)
  return (
    <section class="panel area-training" aria-label="Training">
      <div class="panel-head">
        <h2>Loss</h2>
        <span class="chart-key soft">
          <span class="key-mean" /> mean of all ranks {mine !== '' && <MineKey ranks={mine.split(',').map(Number)} />}
        </span>
      </div>
      <LossChart
        data={chart}
        empty={waiting ? 'The curve begins with the first step.' : 'This run took no step.'}
        summary={lossSummary(chart.lines.at(-1)?.values ?? [])}
      />
      {shown.hasBar && (
        <ProgressBar
          share={shown.share}
          label="Progress of the run"
          text={shown.epoch === null ? shown.progress : `${shown.epoch} · ${shown.progress}`}
        />
      )}
      <dl class="tiles num">
        <div>
          <dt>samples/s</dt>
          <dd data-testid="samples-per-second">{shown.samplesPerSecond}</dd>
        </div>
        <div>
          <dt>loss</dt>
          <dd>{shown.loss}</dd>
        </div>
        {metrics.map(([name, value]) => (
          <div key={name}>
            <dt>{metricName(name)}</dt>
            <dd>{metricText(name, value)}</dd>
          </div>
        ))}
      </dl>
      <div class="step-block">
        <h3 class="soft">Time of a step{shown.timesOf === null ? '' : ` on rank ${shown.timesOf}`}, milliseconds</h3>
        <StepBar times={shown.times} hiddenMs={shown.hiddenMs} />
      </div>
    </section>
  )
}

function MineKey({ ranks }: { ranks: number[] }): VNode {
  return (
    <>
      {ranks.map((rank) => (
        <span key={rank} class="key-rank" style={{ background: rankColour(rank) }} />
      ))}
      mine
    </>
  )
}

/**
 * The panel under a cell that launched a run: how far it is, its loss, its ranks with their consoles, the ring on
 * demand. Draws a view, live or frozen in a notebook. Not for: computing it (panel-view.ts).
 */
import {
  LossChart,
  ProgressBar,
  plural,
  RankChip,
  RingView,
  rankColour,
  rankDash,
  StatusMark,
  StepBar,
  type Tone,
} from '@rondo/ui'
import { lossChart, lossSummary } from '@rondo/ui/session'
import type { VNode } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { LanesView } from './lanes-view.tsx'
import type { RunPanelView } from './panel-view.ts'
import './run-panel.css'

export interface RunPanelProps {
  view: RunPanelView
}

export function RunPanel({ view }: RunPanelProps): VNode {
  const { title, status, headline, detail, training, ranks, ring, consoles } = view
  const [showRing, setShowRing] = useState(false)
  return (
    <section class={`run-panel run-${status}`} aria-label={`Run: ${title}`} data-testid="run-panel">
      <div class="run-head">
        <StatusMark tone={toneOf(status)}>
          <span class="run-headline num" data-testid="run-headline">
            {headline}
          </span>
        </StatusMark>
        <code class="run-title soft">{title}</code>
      </div>
      {detail !== '' && <p class={status === 'failed' ? 'run-detail tone-fail' : 'run-detail soft'}>{detail}</p>}
      {training !== null && (
        <Training training={training} metrics={view.metrics} ranks={ranks.map(({ rank }) => rank)} />
      )}
      <ul class="run-ranks num" aria-label={plural(ranks.length, 'rank')} data-testid="run-ranks">
        {ranks.map(({ rank, node, tone, state, device }) => (
          <li key={rank} title={device}>
            <RankChip rank={rank} /> <span class="run-node">{node}</span> <StatusMark tone={tone}>{state}</StatusMark>
          </li>
        ))}
      </ul>
      <LanesView
        consoles={consoles}
        live={status === 'waiting' || status === 'running'}
        culprit={ranks.find(({ tone }) => tone === 'fail')?.rank ?? null}
        nodes={new Map(ranks.map(({ rank, node }) => [rank, node]))}
      />
      <details class="fold" open={showRing} onToggle={(event) => setShowRing(event.currentTarget.open)}>
        <summary>Ring and step times</summary>
        {showRing && (
          <div class="run-ring">
            <div>
              <RingView {...ring} />
            </div>
            {training !== null && (
              <div class="run-steps">
                <h2>Time of a step</h2>
                <StepBar times={training.times} hiddenMs={training.hiddenMs} />
              </div>
            )}
          </div>
        )}
      </details>
    </section>
  )
}

interface TrainingProps {
  training: NonNullable<RunPanelView['training']>
  metrics: RunPanelView['metrics']
  ranks: readonly number[]
}

function Training({ training, metrics, ranks }: TrainingProps): VNode {
  const [each, setEach] = useState(false)
  const { losses, share, text, samplesPerSecond, loss } = training
  const shown = each ? ranks.join() : ''
  const chart = useMemo(
    () =>
      lossChart(
        losses,
        shown === ''
          ? []
          : shown.split(',').map((rank) => ({ rank: Number(rank), colour: rankColour(+rank), dash: rankDash(+rank) })),
      ),
    [losses, shown],
  )
  return (
    <>
      {training.hasBar && <ProgressBar share={share} label="Progress of the run" text={text} />}
      <div class="run-training">
        <div class="run-loss">
          <div class="run-loss-head">
            <h2>Loss</h2>
            <span class="chart-key soft">
              <span class="key-mean" /> mean of all ranks
            </span>
            {ranks.length > 1 && (
              <button type="button" class="text-button" aria-pressed={each} onClick={() => setEach(!each)}>
                each rank
              </button>
            )}
          </div>
          <LossChart
            data={chart}
            empty="The curve begins with the first reported loss."
            summary={lossSummary(chart.lines.at(-1)?.values ?? [])}
          />
        </div>
        <dl class="tiles num">
          {[['samples/s', samplesPerSecond], ['loss', loss], ...metrics].map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </div>
    </>
  )
}

function toneOf(status: RunPanelView['status']): Tone {
  switch (status) {
    case 'waiting':
      return 'wait'
    case 'running':
      return 'work'
    case 'done':
      return 'ok'
    case 'failed':
      return 'fail'
    case 'stopped':
      return 'warn'
    default:
      return status satisfies never
  }
}

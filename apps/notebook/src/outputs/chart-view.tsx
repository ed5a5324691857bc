/** A live chart: lines that grow while a cell runs, in the colours that ranks have everywhere. Not for: plots of specs. */
import type { ChartData } from '@rondo/kernel/output'
import { formatLoss, LossChart, rankColour, rankDash } from '@rondo/ui'
import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'

export function ChartView({ chart }: { chart: ChartData }): VNode {
  const { title, xLabel, series, x } = chart
  const data = useMemo(
    () => ({
      steps: x,
      lines: series.map(({ label, values }, k) => ({
        label,
        colour: rankColour(k),
        dash: rankDash(k),
        strong: true,
        values,
      })),
    }),
    [chart],
  )
  const latest = (values: ReadonlyArray<number | null>) => values.findLast((value) => value !== null) ?? null
  return (
    <section class="live-chart" aria-label={title === '' ? 'Chart' : title} data-testid="chart">
      <div class="live-chart-head num">
        {title !== '' && <span class="live-chart-title">{title}</span>}
        {series.map(({ label, values }, k) => {
          const last = latest(values)
          return (
            <span key={label} class="live-chart-key">
              <svg width="18" height="8" aria-hidden="true">
                <path d="M0 4H18" stroke={rankColour(k)} stroke-width="2.5" stroke-dasharray={rankDash(k)} />
              </svg>
              {label} {last !== null && <span class="soft">{formatLoss(last)}</span>}
            </span>
          )
        })}
      </div>
      <LossChart
        data={data}
        empty="The curve begins with the first point."
        summary={series
          .map(({ label, values }) => `${label}: ${values.length} points, latest ${latest(values) ?? 'none'}`)
          .join('; ')}
      />
      {xLabel !== '' && <p class="live-chart-x soft">{xLabel}</p>}
    </section>
  )
}

/**
 * Curves over steps. uPlot itself loads after the first paint, so the page's first bytes stay few; the
 * place it takes is reserved from the start. Not for: deciding which curves exist.
 */
import type { VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Chart } from './uplot-chart.ts'

export interface ChartLine {
  label: string
  /** A CSS colour, tokens allowed. */
  colour: string
  /** SVG dash list; empty for solid. */
  dash: string
  /** The line people read first; others are drawn faint. */
  strong: boolean
  values: Array<number | null>
}

export interface ChartData {
  /** Steps, ascending; as long as every line's values. */
  steps: number[]
  lines: ChartLine[]
}

export interface LossChartProps {
  data: ChartData
  /** Said where the curve will be, while there is none. */
  empty: string
  /** One sentence that tells a screen reader what the curve says. */
  summary: string
}

export function LossChart({ data, empty, summary }: LossChartProps): VNode {
  const host = useRef<HTMLDivElement>(null)
  const chart = useRef<Chart | null>(null)
  const latest = useRef(data)
  latest.current = data
  useEffect(() => {
    let gone = false
    void import('./uplot-chart.ts').then(({ createChart }) => {
      if (gone || !host.current) return
      chart.current = createChart(host.current, latest.current)
    })
    return () => {
      gone = true
      chart.current?.dispose()
      chart.current = null
    }
  }, [])
  useEffect(() => chart.current?.update(data), [data])
  return (
    <figure class="chart" data-testid="loss-chart">
      <div class="chart-host" ref={host} aria-hidden="true" />
      {data.steps.length === 0 && <p class="chart-empty soft">{empty}</p>}
      <figcaption class="visually-hidden">{summary}</figcaption>
    </figure>
  )
}

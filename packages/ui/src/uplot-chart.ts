/** The live plot behind LossChart, in a module of its own so that uPlot stays out of the first load. */
/// <reference path="./css.d.ts" />
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { formatLoss } from './format.ts'
import type { ChartData } from './loss-chart.tsx'
import { THEME_EVENT } from './theme-toggle.tsx'

export interface Chart {
  update(data: ChartData): void
  dispose(): void
}

/** CSS pixels of one x-axis label: keeps steps from running into each other. */
const X_TICK_SPACE = 64
const Y_TICK_SPACE = 36

/** Draws into `host` and follows its size and the colour scheme. */
export function createChart(host: HTMLElement, first: ChartData): Chart {
  let data = first
  let shape = shapeOf(first)
  let plot = build(host, first)
  const rebuild = () => {
    plot.destroy()
    plot = build(host, data)
  }
  const scheme = matchMedia('(prefers-color-scheme: dark)')
  const redraw = () => plot.redraw(false, true)
  const observer = new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height: host.clientHeight }))
  observer.observe(host)
  scheme.addEventListener('change', redraw)
  document.addEventListener(THEME_EVENT, redraw)
  return {
    update(next) {
      data = next
      const nextShape = shapeOf(next)
      if (nextShape !== shape) {
        shape = nextShape
        rebuild()
      } else plot.setData(columns(next))
    },
    dispose() {
      observer.disconnect()
      scheme.removeEventListener('change', redraw)
      document.removeEventListener(THEME_EVENT, redraw)
      plot.destroy()
    },
  }
}

function shapeOf(data: ChartData): string {
  return data.lines.map((line) => `${line.label}|${line.colour}|${line.dash}|${line.strong}`).join('\n')
}

function columns(data: ChartData): uPlot.AlignedData {
  return [data.steps, ...data.lines.map((line) => line.values)]
}

function build(host: HTMLElement, data: ChartData): uPlot {
  const colour = (token: string) => () => resolve(host, token)
  const font = `11px ${getComputedStyle(host).fontFamily}`
  const axis = { stroke: colour('var(--text-soft)'), font, ticks: { show: false } }
  const grid = { stroke: colour('var(--line)'), width: 1 }
  return new uPlot(
    {
      width: Math.max(1, host.clientWidth),
      height: Math.max(1, host.clientHeight),
      padding: [8, 8, 0, 0],
      cursor: { y: false, points: { size: 7 } },
      legend: { show: true, live: true },
      scales: { x: { time: false } },
      axes: [
        { ...axis, size: 28, gap: 6, space: X_TICK_SPACE, grid: { show: false } },
        { ...axis, size: 46, gap: 6, space: Y_TICK_SPACE, grid, values: (_, ticks) => ticks.map(tick) },
      ],
      series: [
        { label: 'step' },
        ...data.lines.map((line) => ({
          label: line.label,
          stroke: colour(line.strong ? line.colour : `color-mix(in oklab, ${line.colour} 70%, transparent)`),
          width: line.strong ? 2 : 1.25,
          dash: line.dash === '' ? [] : line.dash.split(' ').map(Number),
          spanGaps: true,
          points: { show: false },
          value: (_: uPlot, value: number | null) => (value === null ? '–' : formatLoss(value)),
        })),
      ],
    },
    columns(data),
    host,
  )
}

function tick(value: number): string {
  return Math.abs(value) >= 1000 || (value !== 0 && Math.abs(value) < 0.001) ? value.toExponential(0) : String(value)
}

/** Canvas knows no custom properties: the browser itself turns a token into a colour. */
function resolve(host: HTMLElement, token: string): string {
  host.style.color = token
  const colour = getComputedStyle(host).color
  host.style.color = ''
  return colour
}

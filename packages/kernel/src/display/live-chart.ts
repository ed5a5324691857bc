/** A chart that grows while a cell runs. Holds a bounded number of points and shows itself a few times a second. */

import { type ChartData, MIME, type MimeBundle } from '../output.ts'
import { DISPLAY } from './describer.ts'
import { shortNumber } from './preview.ts'

/** Shows a chart for the first time, or again in the same place. */
export type ShowChart = (bundle: MimeBundle, options: { displayId: string; update: boolean }) => void

export interface ChartOptions {
  xLabel?: string
}

/** Milliseconds between two updates: five a second. */
const MIN_INTERVAL_MS = 200
/** Points of each line. When there are more, every second one goes, and from then on every second push counts. */
const MAX_POINTS = 5_000

let charts = 0

/** `const c = chart('loss'); c.push(step, { train: 0.3, valid: 0.4 })`. */
export class LiveChart {
  readonly #show: ShowChart | null
  readonly #displayId: string
  readonly #title: string
  readonly #xLabel: string
  readonly #x: number[] = []
  readonly #lines = new Map<string, Array<number | null>>()
  /** Only every n-th push becomes a point that stays. */
  #stride = 1
  #pushes = 0
  #isShown = false
  #shownAt = Number.NEGATIVE_INFINITY
  #timer: ReturnType<typeof setTimeout> | null = null

  /** @param show null: the chart is seen only as a value */
  constructor(show: ShowChart | null, title = '', { xLabel = '' }: ChartOptions = {}) {
    this.#show = show
    this.#title = title
    this.#xLabel = xLabel
    // Unlike in other workers too: ranks show charts in the same output.
    this.#displayId = `chart-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}-${++charts}`
  }

  /**
   * Adds a point to each named line; lines appear when they are first named. A number alone is a line without name.
   * Throws TypeError for an x that is no finite number.
   */
  push(x: number, values: Readonly<Record<string, number | null | undefined>> | number): this {
    if (!Number.isFinite(x))
      throw new TypeError(`chart.push(${String(x)}, …): x must be a finite number, such as the step`)
    const given = typeof values === 'number' ? { '': values } : values
    if (typeof given !== 'object' || given === null) {
      throw new TypeError(
        `chart.push(${x}, ${typeof values}): it takes the lines' values, as in push(step, { loss: 0.3 })`,
      )
    }
    // The newest point is always there; it stays if it was its turn.
    if (this.#pushes > 0 && (this.#pushes - 1) % this.#stride !== 0) this.#dropLast()
    this.#append(x, given)
    this.#pushes += 1
    if (this.#x.length > MAX_POINTS) this.#thin()
    this.#later()
    return this
  }

  /** Shows what is there now, without waiting for the next update's time. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#show === null) return
    this.#shownAt = performance.now()
    this.#show(this.#bundle(), { displayId: this.#displayId, update: this.#isShown })
    this.#isShown = true
  }

  /** As the value of a cell. A chart that shows itself already says so in a line. */
  [DISPLAY](): MimeBundle {
    return this.#isShown ? { 'text/plain': `chart "${this.#title}", shown above` } : this.#bundle()
  }

  #append(x: number, given: Readonly<Record<string, number | null | undefined>>): void {
    for (const label of Object.keys(given)) {
      if (!this.#lines.has(label)) this.#lines.set(label, new Array<number | null>(this.#x.length).fill(null))
    }
    this.#x.push(x)
    for (const [label, line] of this.#lines) {
      const value = given[label]
      line.push(typeof value === 'number' && Number.isFinite(value) ? value : null)
    }
  }

  #dropLast(): void {
    this.#x.pop()
    for (const line of this.#lines.values()) line.pop()
  }

  #thin(): void {
    const keep = <T>(list: T[]): void => {
      let kept = 0
      for (let index = 0; index < list.length; index += 2) list[kept++] = list[index]!
      list.length = kept
    }
    keep(this.#x)
    for (const line of this.#lines.values()) keep(line)
    this.#stride *= 2
  }

  #later(): void {
    if (this.#timer !== null || this.#show === null) return
    const wait = this.#shownAt + MIN_INTERVAL_MS - performance.now()
    if (wait <= 0) this.flush()
    else this.#timer = setTimeout(() => this.flush(), wait)
  }

  #bundle(): MimeBundle {
    const series = [...this.#lines].map(([label, values]) => ({ label, values: [...values] }))
    const data: ChartData = { title: this.#title, xLabel: this.#xLabel, series, x: [...this.#x] }
    const last = series.map(({ label, values }) => `${label || 'value'} ${shortNumber(values.at(-1) ?? Number.NaN)}`)
    const text = `${this.#title || 'chart'}: ${this.#x.length} points${last.length > 0 ? `, last ${last.join(', ')}` : ''}`
    return { 'text/plain': text, [MIME.chart]: data }
  }
}

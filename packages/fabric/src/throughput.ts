/**
 * Speed over a sliding window: samples, batches, tokens and floating-point operations a second, of this rank and of all
 * (Lightning Fabric's `Throughput`). Fed with running totals. Not for: measuring a step (strategies).
 */
import { RondoError } from '@rondo/protocol'

/** Updates that a window holds. */
const DEFAULT_WINDOW = 100

export interface ThroughputOptions {
  /** Peak FLOP/s of one device; with it `device/mfu` tells the share that is used. */
  availableFlops?: number | null
  /** Ranks; with more than one, rates of all ranks are told too. */
  worldSize?: number
  /** Updates in the window; rates are there once it is full. Default 100, at least 2. */
  windowSize?: number
  /** Between `device` and the name of a rate. */
  separator?: string
}

/** Totals since the start; each must grow from update to update. */
export interface ThroughputUpdate {
  /** Seconds. */
  time: number
  batches: number
  samples: number
  /** Total length of the samples: tokens. All updates give it, or none. */
  lengths?: number
  /** Floating-point operations of this update, on this rank; not a total. */
  flops?: number
}

type Windows = Record<'time' | 'batches' | 'samples' | 'lengths' | 'flops', number[]>

/** Samples, batches, tokens and operations a second over the last updates, and since the beginning; Lightning's Throughput. */
export class Throughput {
  private readonly options: Required<ThroughputOptions>
  private windows: Windows

  constructor({
    availableFlops = null,
    worldSize = 1,
    windowSize = DEFAULT_WINDOW,
    separator = '/',
  }: ThroughputOptions = {}) {
    if (!Number.isSafeInteger(windowSize) || windowSize < 2)
      throw bad('windowSize', windowSize, 'a whole number of at least 2')
    if (!Number.isSafeInteger(worldSize) || worldSize < 1)
      throw bad('worldSize', worldSize, 'a whole number of at least 1')
    if (availableFlops !== null && !(availableFlops > 0))
      throw bad('availableFlops', availableFlops, 'a number above 0')
    this.options = { availableFlops, worldSize, windowSize, separator }
    this.windows = empty()
  }

  /** Throws BAD_ARGUMENT for totals that do not grow, or do not fit together. */
  update({ time, batches, samples, lengths, flops }: ThroughputUpdate): void {
    if (samples < batches) throw bad('samples', samples, `at least batches, ${batches}`)
    if (lengths !== undefined && lengths < samples) throw bad('lengths', lengths, `at least samples, ${samples}`)
    const given = { time, batches, samples, ...(lengths === undefined ? {} : { lengths }) }
    for (const [name, value] of Object.entries(given)) {
      const last = this.windows[name as keyof typeof given].at(-1)
      if (Number.isFinite(value) && (last === undefined || value > last || (name !== 'time' && value === last)))
        continue
      throw bad(name, value, `a total that grows, above ${last ?? 'nothing'}`)
    }
    const hasLengths = this.windows.lengths.length > 0
    if (this.windows.time.length > 0 && hasLengths !== (lengths !== undefined)) {
      throw bad(
        'lengths',
        lengths,
        hasLengths ? 'a number, as in the updates before' : 'nothing, as in the updates before',
      )
    }
    for (const [name, value] of Object.entries(given)) this.push(name as keyof typeof given, value)
    if (flops !== undefined) this.push('flops', flops * this.options.worldSize)
  }

  /** Last totals, and, once the window is full, rates a second. */
  compute(): Record<string, number> {
    const { windows, options } = this
    const { worldSize, windowSize, separator, availableFlops } = options
    const metrics: Record<string, number> = {}
    for (const name of ['time', 'batches', 'samples', 'lengths'] as const) {
      const last = windows[name].at(-1)
      if (last !== undefined) metrics[name] = last
    }
    const full = (name: keyof typeof windows): boolean => windows[name].length === windowSize
    const elapsed = (name: keyof typeof windows): number =>
      (windows[name].at(-1) as number) - (windows[name][0] as number)
    if (!full('time')) return metrics
    const seconds = elapsed('time')
    const rate = (name: string, perDevice: number): void => {
      metrics[`device${separator}${name}`] = perDevice
      if (worldSize > 1) metrics[name] = perDevice * worldSize
    }
    rate('batches_per_sec', elapsed('batches') / seconds)
    rate('samples_per_sec', elapsed('samples') / seconds)
    if (full('lengths')) rate('items_per_sec', elapsed('lengths') / seconds)
    if (full('flops')) {
      const ofAll = windows.flops.slice(1).reduce((sum, value) => sum + value, 0) / seconds
      rate('flops_per_sec', ofAll / worldSize)
      if (availableFlops !== null) metrics[`device${separator}mfu`] = ofAll / worldSize / availableFlops
    }
    return metrics
  }

  /** Forgets all updates. */
  reset(): void {
    this.windows = empty()
  }

  private push(name: keyof Windows, value: number): void {
    const window = this.windows[name]
    window.push(value)
    if (window.length > this.options.windowSize) window.shift()
  }
}

function empty(): Windows {
  return { time: [], batches: [], samples: [], lengths: [], flops: [] }
}

function bad(option: string, value: unknown, allowed: string): RondoError {
  return new RondoError('BAD_ARGUMENT', `Throughput: ${option} is ${String(value)}; it must be ${allowed}. Correct it.`)
}

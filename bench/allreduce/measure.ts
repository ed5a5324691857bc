/**
 * One case of the table: warm-up, then the yardstick and the all-reduce in turn, so that what else the machine
 * does meets both alike. Not for: what is measured (world.ts).
 */
import { loadavg } from 'node:os'
import type { BenchCarrier } from '../arguments.ts'
import { busBandwidth, median, ringEfficiency } from '../figures.ts'
import type { World } from './world.ts'

/** Milliseconds of all-reduces before timing, and how many at least: SCTP and the engines' compilers start slowly. */
const WARM_UP_MS = 1_500
const WARM_UP_ROUNDS = 2
/** Milliseconds that a timed batch of small all-reduces should last, so that the clock's steps do not count. */
const BATCH_MS = 50
const MAX_BATCH = 1_000
/** Timed pairs of a case when the person did not say: until the budget is spent, within these bounds. */
const BUDGET_MS = 20_000
const MIN_REPETITIONS = 5
const MAX_REPETITIONS = 25
/** Bytes of one look at the yardstick: as many as the ranks move together, but enough for a throughput and not more than seconds. */
const MIN_RAW_BYTES = 4_194_304
const MAX_RAW_BYTES = 16_777_216
/** Bytes up to which an all-reduce is about latency. */
const SMALL_BYTES = 16_384

export interface Figures {
  carrier: BenchCarrier
  ranks: number
  /** Contributed by each rank. */
  bytes: number
  repetitions: number
  /** All-reduces in each repetition. */
  batch: number
  /** Of one all-reduce on the slowest rank. */
  milliseconds: { median: number; fastest: number; slowest: number }
  /** Bytes per second, of the median time. */
  busBandwidth: number
  /** Bytes per second one way, and what was measured; null where there is no bare carrier. */
  raw: { median: number; fastest: number; slowest: number; of: string } | null
  /** Median over the repetitions, each with the raw rate measured just before it. */
  ringEfficiency: number | null
  /**
   * Of small ones: what an all-reduce took over what its steps take at the least, each the way of one of its messages on
   * the bare carrier while all else is idle, measured before each repetition. Null for larger ones and without a bare carrier.
   */
  latencyRatio: number | null
  /** The same over steps in which two ranks of an idle machine send at once, on the bare carrier. */
  exchangeRatio: number | null
  /** Steps of the algorithm that was chosen. */
  steps: number
  /** Runnable processes of the machine, mean of the last minute, after the last repetition. */
  loadAverage: number
}

export async function measureCase(
  world: World,
  bytes: number,
  wanted: number | undefined,
  signal: AbortSignal,
): Promise<Figures> {
  const { carrier, ranks, yardstick } = world
  const rawBytes = Math.min(MAX_RAW_BYTES, Math.max(MIN_RAW_BYTES, 2 * (ranks - 1) * bytes))
  const batch = await warmUp(world, bytes, rawBytes, signal)
  const times: number[] = []
  const rates: number[] = []
  const efficiencies: number[] = []
  const latencyRatios: number[] = []
  const exchangeRatios: number[] = []
  const began = performance.now()
  const enough = (): boolean => {
    if (wanted !== undefined) return times.length >= wanted
    if (times.length < MIN_REPETITIONS) return false
    return times.length >= MAX_REPETITIONS || performance.now() - began > BUDGET_MS
  }
  while (!enough()) {
    signal.throwIfAborted()
    const rate = await yardstick?.measure(rawBytes)
    const steps = await world.steps()
    // Only in one step does everything go in one message; else a chunk for each rank does.
    const messageBytes = steps === 1 ? bytes : Math.ceil(bytes / ranks)
    const small = bytes > SMALL_BYTES ? null : yardstick
    const oneWayMs = await small?.oneWayMs(messageBytes)
    const exchangeMs = await small?.exchangeMs(messageBytes)
    const ms = (await world.ring(bytes, batch)) / batch
    times.push(ms)
    if (oneWayMs !== undefined) latencyRatios.push(ms / (oneWayMs * steps))
    if (exchangeMs !== undefined) exchangeRatios.push(ms / (exchangeMs * steps))
    if (rate === undefined) continue
    rates.push(rate)
    efficiencies.push(ringEfficiency(ranks, bytes, ms, rate))
  }
  const milliseconds = { median: median(times), fastest: Math.min(...times), slowest: Math.max(...times) }
  return {
    carrier,
    ranks,
    bytes,
    repetitions: times.length,
    batch,
    milliseconds,
    busBandwidth: busBandwidth(ranks, bytes, milliseconds.median),
    raw: yardstick && {
      median: median(rates),
      fastest: Math.max(...rates),
      slowest: Math.min(...rates),
      of: yardstick.of,
    },
    ringEfficiency: yardstick && median(efficiencies),
    latencyRatio: latencyRatios.length === 0 ? null : median(latencyRatios),
    exchangeRatio: exchangeRatios.length === 0 ? null : median(exchangeRatios),
    steps: await world.steps(),
    loadAverage: loadavg()[0]!,
  }
}

/** The efficiency of a new world's very first all-reduce, and what it took; null where there is no bare carrier. */
export async function measureFirst(world: World, bytes: number): Promise<{ ms: number; efficiency: number } | null> {
  const ms = await world.cold(bytes)
  if (world.yardstick === null) return null
  // Measured warm, and twice: what comes second is what the carrier can do.
  const rawBytes = Math.min(MAX_RAW_BYTES, Math.max(MIN_RAW_BYTES, bytes))
  await world.yardstick.measure(rawBytes)
  return { ms, efficiency: ringEfficiency(world.ranks, bytes, ms, await world.yardstick.measure(rawBytes)) }
}

/** @returns how many all-reduces make one batch */
async function warmUp(world: World, bytes: number, rawBytes: number, signal: AbortSignal): Promise<number> {
  await world.yardstick?.measure(rawBytes)
  let ms = Number.POSITIVE_INFINITY
  let batch = 1
  const began = performance.now()
  for (let round = 0; round < WARM_UP_ROUNDS || performance.now() - began < WARM_UP_MS; round++) {
    signal.throwIfAborted()
    ms = Math.min(ms, (await world.ring(bytes, batch)) / batch)
    batch = Math.min(MAX_BATCH, Math.max(1, Math.round(BATCH_MS / Math.max(ms, 0.001))))
  }
  return batch
}

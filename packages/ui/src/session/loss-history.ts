/**
 * Losses of a whole run in a bounded number of points: when the points run out, neighbours are averaged and
 * the stride doubles, so the curve keeps its shape from the first step to the last. Not for: drawing.
 */
import { formatLoss } from '../format.ts'
import type { ChartData } from '../loss-chart.tsx'

/** Points per rank; more than a 1440 px wide chart can show. */
const MAX_POINTS = 600

/** Sums and counts per bucket of `stride` steps; immutable. */
export interface LossHistory {
  stride: number
  /** By rank: bucket k holds steps [k·stride, (k+1)·stride). */
  ranks: Readonly<Record<number, { sums: readonly number[]; counts: readonly number[] }>>
}

export const NO_LOSSES: LossHistory = { stride: 1, ranks: {} }

/** Adds one rank's loss at a global step. Not-a-number losses are left out: they are reported as figures. */
export function addLoss(history: LossHistory, rank: number, step: number, loss: number): LossHistory {
  if (!Number.isFinite(loss)) return history
  let { stride, ranks } = history
  while (Math.floor(step / stride) >= MAX_POINTS) {
    stride *= 2
    ranks = Object.fromEntries(
      Object.entries(ranks).map(([key, line]) => [key, { sums: halve(line.sums), counts: halve(line.counts) }]),
    )
  }
  const bucket = Math.floor(step / stride)
  const line = ranks[rank]
  const sums = line ? [...line.sums] : []
  const counts = line ? [...line.counts] : []
  while (sums.length <= bucket) {
    sums.push(0)
    counts.push(0)
  }
  sums[bucket] = (sums[bucket] ?? 0) + loss
  counts[bucket] = (counts[bucket] ?? 0) + 1
  return { stride, ranks: { ...ranks, [rank]: { sums, counts } } }
}

function halve(values: readonly number[]): number[] {
  return Array.from({ length: Math.ceil(values.length / 2) }, (_, i) => (values[2 * i] ?? 0) + (values[2 * i + 1] ?? 0))
}

/**
 * The mean over ranks as the strong line, the given ranks as faint ones. Ranks report a few times a second and
 * at different steps, so the mean at a step takes each rank's latest value; every rank weighs the same.
 */
export function lossChart(
  history: LossHistory,
  mine: ReadonlyArray<{ rank: number; colour: string; dash: string }>,
): ChartData {
  const lines = Object.values(history.ranks)
  const length = Math.max(0, ...lines.map((line) => line.sums.length))
  const steps: number[] = []
  const mean: Array<number | null> = []
  const faint: Array<Array<number | null>> = mine.map(() => [])
  const latest: Array<number | null> = lines.map(() => null)
  for (let bucket = 0; bucket < length; bucket++) {
    let spoken = false
    lines.forEach((line, i) => {
      const count = line.counts[bucket] ?? 0
      if (count === 0) return
      spoken = true
      latest[i] = line.sums[bucket]! / count
    })
    if (!spoken) continue
    const known = latest.filter((value) => value !== null)
    steps.push(bucket * history.stride + (history.stride - 1) / 2)
    mean.push(known.reduce((sum, value) => sum + value, 0) / known.length)
    mine.forEach(({ rank }, i) => {
      const line = history.ranks[rank]
      const count = line?.counts[bucket] ?? 0
      faint[i]!.push(line && count > 0 ? line.sums[bucket]! / count : null)
    })
  }
  return {
    steps,
    lines: [
      ...mine.map(({ rank, colour, dash }, i) => ({
        label: `rank ${rank}`,
        colour,
        dash,
        strong: false,
        values: faint[i]!,
      })),
      { label: 'mean of all ranks', colour: 'var(--text)', dash: '', strong: true, values: mean },
    ],
  }
}

/** One sentence for those who don't see the curve. */
export function lossSummary(values: ReadonlyArray<number | null>): string {
  const known = values.filter((value) => value !== null)
  const [first, last] = [known[0], known.at(-1)]
  if (first === undefined || last === undefined) return 'No loss was reported yet.'
  return `Mean loss went from ${formatLoss(first)} to ${formatLoss(last)}.`
}

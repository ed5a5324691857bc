/** The formulas of the benches, and how their figures are written. Not for: measuring. */

/**
 * Bytes per second that each rank's busiest direction carries, whatever the number of ranks: 2(N−1)/N·bytes/time,
 * nccl-tests' "bus bandwidth" of an all-reduce. `bytes` per rank, `ms` of one all-reduce.
 */
export function busBandwidth(ranks: number, bytes: number, ms: number): number {
  return (2 * (ranks - 1) * bytes * 1_000) / (ranks * ms)
}

/**
 * How close an all-reduce comes to what its carrier can do: the time in which the bare carrier moves, one way
 * and between two ranks, the 2(N−1)·bytes that all ranks together move, over the time it took. As all ranks
 * share one machine's cores, 1 is the ideal; more means that several connections or both directions use them better.
 */
export function ringEfficiency(ranks: number, bytes: number, ms: number, rawBytesPerSecond: number): number {
  return ((2 * (ranks - 1) * bytes) / rawBytesPerSecond) * (1_000 / ms)
}

/** Of an even number of values the mean of the middle two; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  if (!Number.isInteger(middle)) return sorted[Math.floor(middle)]!
  return sorted.length === 0 ? Number.NaN : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The smallest value that at least this share (above 0, at most 1) of all values do not exceed; NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN
}

/** Three digits or so, as a person compares them. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '–'
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3)
}

/** In units of 10⁶ bytes, as link speeds are given. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatNumber(bytesPerSecond / 1e6)} MB/s`
}

/**
 * Figures as people read them: few digits, a unit, never a jumping width. Not for: machine-readable output
 * (reports keep full precision) or sentences.
 */

const GROUPED = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** 12345.6 → `12,346`. */
export function formatCount(value: number): string {
  return GROUPED.format(value)
}

/** Three significant digits without an exponent: 0.7, 27, 1,204. */
export function formatFigure(value: number): string {
  const size = Math.abs(value)
  if (size >= 100) return GROUPED.format(value)
  if (size >= 10) return value.toFixed(size >= 20 ? 0 : 1)
  return value.toFixed(size >= 1 ? 1 : size >= 0.095 || size === 0 ? 1 : 2)
}

/** Milliseconds: `0.7 ms`, `27 ms`, `1.4 s` from a second on. */
export function formatMs(ms: number): string {
  return ms >= 1000 ? `${(ms / 1000).toFixed(ms >= 10_000 ? 0 : 1)} s` : `${formatFigure(ms)} ms`
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** Decimal byte units, as links are measured: `12.4 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 ? Math.round(value) : formatFigure(value)} ${BYTE_UNITS[unit]}`
}

/** Binary byte units, as memory and buffer limits are stated: `256 MiB`. */
export function formatMemory(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[unit]}`
}

/** Clock-like duration: `0:41`, `12:05`, `1:02:09`. Negative values count as zero. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const two = (n: number) => String(n).padStart(2, '0')
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}

/** A duration inside a sentence: `8 s`, `3 min`, `2 h`. */
export function formatAgo(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 90) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 90 ? `${minutes} min` : `${Math.round(minutes / 60)} h`
}

/** A loss or metric: four significant digits, an exponent only where digits would vanish. */
export function formatLoss(value: number): string {
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) return value.toExponential(2)
  return value.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : 4)
}

/** 0.9734 → `97.34 %`. */
export function formatShare(value: number, digits = 2): string {
  return `${(value * 100).toFixed(digits)} %`
}

/** `1 rank`, `3 ranks`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

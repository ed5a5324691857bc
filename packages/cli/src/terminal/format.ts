/** Numbers as people read them in a terminal. */

/** `1:05` or `2:03:04`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const two = (n: number): string => String(n).padStart(2, '0')
  const hours = Math.floor(whole / 3600)
  const minutes = Math.floor((whole % 3600) / 60)
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`
}

/** `12,345`; fractions only below 10. */
export function count(value: number): string {
  return value.toLocaleString('en-US', {
    maximumFractionDigits: Math.abs(value) < 10 && !Number.isInteger(value) ? 1 : 0,
  })
}

/** Bytes in powers of 1024: `1.5 MiB`. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let scaled = value
  let at = 0
  while (scaled >= 1024 && at < units.length - 1) {
    scaled /= 1024
    at += 1
  }
  return `${at === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${units[at]}`
}

/** A loss or metric with four useful digits. */
export function metric(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(3) : value.toFixed(4)
}

/** A bar of `width` cells filled to `share` (0..1). */
export function bar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width)
  return '━'.repeat(full) + '─'.repeat(width - full)
}

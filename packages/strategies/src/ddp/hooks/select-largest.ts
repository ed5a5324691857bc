/** Positions of the values that are largest in size, for top-k compression. Exact, one pass over the values a digit. */

/** Bits of one digit: a float32's bits without its sign are two digits, the larger first. */
const DIGIT_BITS = 16
const DIGITS = 1 << DIGIT_BITS
const SIZE_MASK = 0x7fff_ffff

/**
 * The `count` positions with the largest |x|, ascending. Equal sizes: the first ones win. NaN counts as larger than
 * everything, so that a bad gradient is seen.
 * @param count 0 to `x.length`
 */
export function selectLargest(x: Float32Array, count: number): Uint32Array {
  const bits = new Uint32Array(x.buffer, x.byteOffset, x.length)
  const chosen = new Uint32Array(count)
  if (count === 0) return chosen
  const upper = new Uint32Array(DIGITS)
  for (let i = 0; i < bits.length; i++) increment(upper, ((bits[i] as number) & SIZE_MASK) >>> DIGIT_BITS)
  const high = digitOf(upper, count)
  const lower = new Uint32Array(DIGITS)
  for (let i = 0; i < bits.length; i++) {
    const size = (bits[i] as number) & SIZE_MASK
    if (size >>> DIGIT_BITS === high.digit) increment(lower, size & (DIGITS - 1))
  }
  const low = digitOf(lower, high.left)
  const threshold = (high.digit << DIGIT_BITS) | low.digit
  let ties = low.left
  let filled = 0
  for (let i = 0; i < bits.length && filled < count; i++) {
    const size = (bits[i] as number) & SIZE_MASK
    if (size > threshold || (size === threshold && ties-- > 0)) chosen[filled++] = i
  }
  return chosen
}

/** The digit at which the `wanted`-th largest lies, and how many of those with this digit are still wanted. */
function digitOf(histogram: Uint32Array, wanted: number): { digit: number; left: number } {
  let left = wanted
  let digit = DIGITS - 1
  while ((histogram[digit] as number) < left) left -= histogram[digit--] as number
  return { digit, left }
}

function increment(histogram: Uint32Array, digit: number): void {
  histogram[digit] = (histogram[digit] as number) + 1
}

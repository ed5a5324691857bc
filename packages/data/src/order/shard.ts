/**
 * Dealing one list of indices to R ranks: the arithmetic under the distributed samplers, without any
 * order or seed of its own.
 */

/**
 * How uneven lists are made to fit: `wrap` repeats from the start until every rank has the same number,
 * `drop` cuts the tail, `exact` gives some ranks one less and repeats nothing.
 */
export type Padding = 'wrap' | 'drop' | 'exact'

/** `strided`: rank r takes r, r+R, r+2R…; `contiguous`: rank r takes the r-th slice. */
export type Layout = 'strided' | 'contiguous'

/** How many of `length` indices rank `rank` of `worldSize` gets. */
export function shardLength(length: number, worldSize: number, rank: number, padding: Padding): number {
  switch (padding) {
    case 'wrap':
      return Math.ceil(length / worldSize)
    case 'drop':
      return Math.floor(length / worldSize)
    case 'exact':
      return Math.floor(length / worldSize) + (rank < length % worldSize ? 1 : 0)
    default:
      return padding satisfies never
  }
}

/**
 * The indices of one rank. The list must be the same on every rank, else samples are lost or repeated.
 * @param from positions of the list before this one are left out and the rest is dealt; padding still repeats from the
 * list's start, so that an epoch that goes on in its middle ends as it would have
 */
export function shardIndices(
  indices: ArrayLike<number>,
  worldSize: number,
  rank: number,
  padding: Padding = 'wrap',
  layout: Layout = 'strided',
  from = 0,
): Int32Array {
  const rest = Math.max(0, indices.length - from)
  const count = shardLength(rest, worldSize, rank, padding)
  const own = new Int32Array(count)
  const start = from + (layout === 'strided' ? rank : firstOfSlice(rest, worldSize, rank, padding))
  const step = layout === 'strided' ? worldSize : 1
  // The modulo is the wrap: with `drop` and `exact` no position reaches the list's end.
  for (let k = 0; k < count; k++) own[k] = indices[(start + k * step) % indices.length] as number
  return own
}

function firstOfSlice(length: number, worldSize: number, rank: number, padding: Padding): number {
  let start = 0
  for (let before = 0; before < rank; before++) start += shardLength(length, worldSize, before, padding)
  return start
}

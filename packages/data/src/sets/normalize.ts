/** The map from stored bytes to what a model wants: uint8 images to float32, scaled and normalised. */
import { RondoError } from '@rondo/protocol'
import type { Column } from './column.ts'

/** Largest value of a byte: dividing by it maps 0..255 to 0..1. */
const BYTE_MAX = 255

export interface NormalizeOptions {
  /** Subtracted after scaling to 0..1, per channel (last axis) or one for all; default 0. */
  mean?: number | readonly number[]
  /** Divided by after that; default 1. */
  std?: number | readonly number[]
}

/**
 * Turns a uint8 column `[…, channels]` into float32 of the same shape: `(value / 255 - mean) / std`, rounded once.
 * Errors: BAD_ARGUMENT when `mean` or `std` has another number of entries than there are channels, or a std is 0.
 */
export function normalize(images: Column<'uint8'>, options: NormalizeOptions = {}): Column<'float32'> {
  const channels = images.shape.at(-1) ?? 1
  const means = perChannel('mean', options.mean ?? 0, channels)
  const stds = perChannel('std', options.std ?? 1, channels)
  if (stds.some((std) => std === 0)) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `normalize: std is [${stds.join(', ')}]; no entry may be 0. Use 1 to leave a channel as it is.`,
    )
  }
  const bytes = images.data
  const data = new Float32Array(bytes.length)
  // A byte has 256 values: computing each once beats a division per pixel.
  const tables = means.map((mean, c) =>
    Float32Array.from({ length: BYTE_MAX + 1 }, (_, value) => (value / BYTE_MAX - mean) / (stds[c] as number)),
  )
  tables.forEach((table, c) => {
    for (let i = c; i < bytes.length; i += tables.length) data[i] = table[bytes[i] as number] as number
  })
  return { dtype: 'float32', shape: [...images.shape], data }
}

function perChannel(option: string, given: number | readonly number[], channels: number): readonly number[] {
  if (typeof given === 'number') return Array.from({ length: channels }, () => given)
  if (given.length === channels) return given
  throw new RondoError(
    'BAD_ARGUMENT',
    `normalize: ${option} has ${given.length} entries; the images have ${channels} channels. Give one number, or one per channel.`,
  )
}

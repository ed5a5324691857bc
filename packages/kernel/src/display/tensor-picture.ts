/** The picture of a tensor whose shape looks like an image, a matrix or a batch of images. */

import type { TensorData } from '../output.ts'

/** Pixels of a picture; larger ones are thinned. As base64 RGBA that is at most 700 KB. */
const MAX_PIXELS = 1 << 17
/** Images of a batch that are shown, in a square. */
const MAX_TILES = 64
/** Sides of what may be a picture. */
const MIN_SIDE = 4
/** A matrix that is longer than this in proportion is a table, not a picture. */
const MAX_PROPORTION = 8
/** Pixels between the images of a batch. */
const GAP = 1
/** Characters of a binary string at a time: arguments of a call are limited. */
const BASE64_CHUNK = 0x2000

interface Images {
  count: number
  height: number
  width: number
  channels: number
}

export function pictureOf(values: ArrayLike<number>, shape: readonly number[], dtype: string): TensorData['picture'] {
  const images = imagesOf(shape)
  if (images === null) return null
  const count = Math.min(images.count, MAX_TILES)
  const columns = Math.ceil(Math.sqrt(count))
  const rows = Math.ceil(count / columns)
  const full = columns * (images.width + GAP) * rows * (images.height + GAP)
  const step = Math.max(1, Math.ceil(Math.sqrt(full / MAX_PIXELS)))
  const width = Math.ceil(images.width / step)
  const height = Math.ceil(images.height / step)
  const total = { width: columns * (width + GAP) - GAP, height: rows * (height + GAP) - GAP }
  const rgba = new Uint8ClampedArray(total.width * total.height * 4)
  const tone = toneOf(values, dtype)
  for (let tile = 0; tile < count; tile++) {
    const left = (tile % columns) * (width + GAP)
    const top = Math.floor(tile / columns) * (height + GAP)
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const from = ((tile * images.height + y * step) * images.width + x * step) * images.channels
        writePixel(rgba, ((top + y) * total.width + left + x) * 4, values, from, images.channels, tone)
      }
    }
  }
  return { ...total, rgba: base64(rgba) }
}

/** How a shape reads as images, the last axis being colours when it has 1, 3 or 4 values. */
function imagesOf(shape: readonly number[]): Images | null {
  const [a = 0, b = 0, c = 0, d = 0] = shape
  const isColour = (channels: number): boolean => channels === 1 || channels === 3 || channels === 4
  let images: Images
  if (shape.length === 2) images = { count: 1, height: a, width: b, channels: 1 }
  else if (shape.length === 3 && isColour(c)) images = { count: 1, height: a, width: b, channels: c }
  // Batches of grey pictures: only where height equals width, since any data may have three axes.
  else if (shape.length === 3 && b === c) images = { count: a, height: b, width: c, channels: 1 }
  else if (shape.length === 4 && isColour(d)) images = { count: a, height: b, width: c, channels: d }
  else return null
  const { count, height, width } = images
  const proportion = Math.max(height, width) / Math.min(height, width)
  return count > 0 && Math.min(height, width) >= MIN_SIDE && proportion <= MAX_PROPORTION ? images : null
}

/** From a value to 0..255: bytes as they are, 0..1 stretched, everything else from its least to its greatest value. */
function toneOf(values: ArrayLike<number>, dtype: string): (value: number) => number {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let index = 0; index < values.length; index++) {
    const value = Number(values[index])
    if (value < min) min = value
    if (value > max && value !== Number.POSITIVE_INFINITY) max = value
  }
  if (min >= 0 && max <= 255 && max > 1 && /int|uint8/.test(dtype)) return (value) => value
  if (min >= 0 && max <= 1) return (value) => value * 255
  if (min >= 0 && max <= 255 && max > 128) return (value) => value
  const span = max - min || 1
  return (value) => ((value - min) / span) * 255
}

/** Values that are no number are left transparent. */
function writePixel(
  rgba: Uint8ClampedArray,
  at: number,
  values: ArrayLike<number>,
  from: number,
  channels: number,
  tone: (value: number) => number,
): void {
  const grey = channels === 1
  for (let channel = 0; channel < 3; channel++) rgba[at + channel] = tone(Number(values[from + (grey ? 0 : channel)]))
  rgba[at + 3] = Number.isNaN(Number(values[from])) ? 0 : channels === 4 ? tone(Number(values[from + 3])) : 255
}

function base64(bytes: Uint8ClampedArray): string {
  let binary = ''
  for (let start = 0; start < bytes.length; start += BASE64_CHUNK) {
    binary += String.fromCharCode(...bytes.subarray(start, start + BASE64_CHUNK))
  }
  return btoa(binary)
}

/** Pixels of a tensor's picture, from base64 to what a canvas takes. Pure. Not for: choosing colours (the kernel did). */
import type { TensorData } from '@rondo/kernel/output'

/** Pixels that a picture may have; the kernel tiles within this. */
const MAX_PIXELS = 4_194_304
/** Smallest side, in CSS pixels, to which small pictures are enlarged by whole factors. */
const WANTED_SIDE_PX = 140
const MAX_FACTOR = 12

export interface Picture {
  width: number
  height: number
  /** RGBA, row by row. */
  pixels: Uint8ClampedArray<ArrayBuffer>
  /** How many CSS pixels one pixel of the tensor gets. */
  factor: number
}

/** Null when the data does not hold what it says: it may come from a file. */
export function readPicture(picture: TensorData['picture']): Picture | null {
  if (picture === null || typeof picture !== 'object') return null
  const { width, height, rgba } = picture
  const sane = (side: number) => Number.isInteger(side) && side > 0
  if (!sane(width) || !sane(height) || width * height > MAX_PIXELS || typeof rgba !== 'string') return null
  let bytes: string
  try {
    bytes = atob(rgba)
  } catch {
    return null
  }
  if (bytes.length !== width * height * 4) return null
  const pixels = new Uint8ClampedArray(bytes.length)
  for (let i = 0; i < bytes.length; i++) pixels[i] = bytes.charCodeAt(i)
  return { width, height, pixels, factor: enlargement(Math.min(width, height)) }
}

function enlargement(side: number): number {
  return Math.max(1, Math.min(MAX_FACTOR, Math.floor(WANTED_SIDE_PX / side)))
}

/** First values as rows of the last axis; the rest of a cut-off preview is left out. */
export function previewRows(shape: readonly number[], preview: readonly number[], maxRows: number): number[][] {
  const columns = Math.max(1, shape.at(-1) ?? 1)
  const rows: number[][] = []
  for (let at = 0; at < preview.length && rows.length < maxRows; at += columns) {
    rows.push(preview.slice(at, at + columns))
  }
  return rows
}

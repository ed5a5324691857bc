/**
 * The way of large frames between two tabs: each side writes them to its half of a shared file and says where, over the
 * port that they already have. Not for: opening the file (shared-file.ts), or flow control: the link's window keeps what
 * is written and not yet read far below a half.
 */
import type { SharedFile } from './shared-file.ts'

/** Bytes of one half: a link's window, the frame by which it may be exceeded, and one that did not fit at the end. */
const HALF_BYTES = 6_291_456
export const FILE_LANE_BYTES = 2 * HALF_BYTES
/** Bytes. Smaller frames are as fast in a message. */
const MIN_FRAME_BYTES = 65_536

/** Where a frame lies in the sender's half: offset and bytes. */
export type Place = readonly [at: number, bytes: number]

export class FileLane {
  readonly #file: SharedFile
  readonly #ours: number
  readonly #theirs: number
  #next = 0

  /** `first`: whether this side writes to the first half. */
  constructor(file: SharedFile, first: boolean) {
    this.#file = file
    this.#ours = first ? 0 : HALF_BYTES
    this.#theirs = first ? HALF_BYTES : 0
  }

  takes(bytes: number): boolean {
    return bytes >= MIN_FRAME_BYTES
  }

  write(frame: Uint8Array): Place {
    const bytes = frame.byteLength
    const at = this.#next + bytes > HALF_BYTES ? 0 : this.#next
    this.#next = at + bytes
    this.#file.write(frame, this.#ours + at)
    return [at, bytes]
  }

  /** Fills `into` from `at` of the other side's half. */
  read(into: Uint8Array, at: number): void {
    this.#file.read(into, this.#theirs + at)
  }

  close(): void {
    this.#file.close()
  }
}

/** Null for anything that names no place in a half. */
export function parsePlace(value: unknown, maxBytes: number): Place | null {
  if (!Array.isArray(value) || value.length !== 2) return null
  const [at, bytes] = value as unknown[]
  if (!Number.isInteger(at) || !Number.isInteger(bytes)) return null
  const place = value as unknown as Place
  return place[0] >= 0 && place[1] > 0 && place[1] <= maxBytes && place[0] + place[1] <= HALF_BYTES ? place : null
}

/**
 * The header in front of every frame on a link: fixed size, little-endian, payload aligned to 8 bytes so
 * that it can be viewed as Float32Array or Float64Array without a copy. Not for: signaling messages.
 */
import { RondoError } from './errors.ts'

/** Bytes. */
export const FRAME_HEADER_BYTES = 24
const MAGIC = 0x52

/** What a frame is for. Values are the wire bytes. */
export const FrameKind = {
  /** Payload of a collective or of send/recv. */
  data: 1,
  /** "Your operation differs from mine": payload is the sender's operation as UTF-8 JSON. */
  mismatch: 2,
  /** Round-trip probe, answered at once by `pong` with the same payload. */
  ping: 3,
  pong: 4,
  /** The sender gives up: payload is a WireError as UTF-8 JSON. */
  abort: 5,
} as const
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind]

export interface FrameHeader {
  kind: FrameKind
  /** Rank of the sender. */
  source: number
  /** Frames of an older generation are dropped by the receiver. */
  generation: number
  /** Number of the operation in its process group, counted from 0 on every rank alike. */
  sequence: number
  /** Hash of (op, name, dtype, count): see `fingerprint`. */
  fingerprint: number
  /** Number of this message within the operation, counted per direction. */
  index: number
  /** Bytes after the header. */
  payloadBytes: number
}

/** Writes `header` to the first 24 bytes of `target`. */
export function writeFrameHeader(target: Uint8Array, header: FrameHeader): void {
  const view = new DataView(target.buffer, target.byteOffset, FRAME_HEADER_BYTES)
  view.setUint8(0, MAGIC)
  view.setUint8(1, header.kind)
  view.setUint16(2, header.source, true)
  view.setUint32(4, header.generation, true)
  view.setUint32(8, header.sequence, true)
  view.setUint32(12, header.fingerprint, true)
  view.setUint32(16, header.index, true)
  view.setUint32(20, header.payloadBytes, true)
}

/** Reads and checks a header. Throws BAD_MESSAGE when the bytes are no frame; the link is then closed. */
export function readFrameHeader(frame: Uint8Array): FrameHeader {
  if (frame.byteLength < FRAME_HEADER_BYTES) {
    throw new RondoError(
      'BAD_MESSAGE',
      `A frame of ${frame.byteLength} bytes is shorter than its ${FRAME_HEADER_BYTES}-byte header.`,
    )
  }
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  const kind = view.getUint8(1)
  const payloadBytes = view.getUint32(20, true)
  if (view.getUint8(0) !== MAGIC || kind < 1 || kind > 5) {
    throw new RondoError(
      'BAD_MESSAGE',
      `Bytes ${view.getUint16(0)} at offset 0 do not start a frame of protocol version 1.`,
    )
  }
  if (payloadBytes !== frame.byteLength - FRAME_HEADER_BYTES) {
    throw new RondoError(
      'BAD_MESSAGE',
      `A frame announces ${payloadBytes} payload bytes and carries ${frame.byteLength - FRAME_HEADER_BYTES}.`,
    )
  }
  return {
    kind: kind as FrameKind,
    source: view.getUint16(2, true),
    generation: view.getUint32(4, true),
    sequence: view.getUint32(8, true),
    fingerprint: view.getUint32(12, true),
    index: view.getUint32(16, true),
    payloadBytes,
  }
}

/** FNV-1a, 32 bit, over the text of an operation: equal operations on all ranks have equal fingerprints. */
export function fingerprint(op: string, name: string, dtype: string, count: number): number {
  const text = `${op}|${name}|${dtype}|${count}`
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i)
    hash = Math.imul(hash, 0x01000193)
  }
  return hash >>> 0
}

/** Small facts of the wire: the client's secret, refusals inside connect errors, frames as they arrive. */
import { fromWireError, type RondoError, type WireError } from '@rondo/protocol'

/** Bytes. Frames are viewed as Float64Array at most. */
const FRAME_ALIGNMENT = 8

/** 128 random bits as text. Works on insecure pages too, where `crypto.randomUUID` is missing. */
export function newClientKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The server's own error, when a connect error is a refusal and not a broken line. */
export function refusalOf(error: Error & { data?: unknown }): RondoError | null {
  const wire = error.data as Partial<WireError> | undefined
  return typeof wire?.code === 'string' && typeof wire.message === 'string' ? fromWireError(wire as WireError) : null
}

/** The bytes of a relayed frame: browsers deliver an ArrayBuffer, Node a slice of a pool that may lie askew. */
export function alignedFrame(frame: Uint8Array | ArrayBuffer): Uint8Array<ArrayBuffer> {
  if (frame instanceof ArrayBuffer) return new Uint8Array(frame)
  const { buffer, byteOffset, byteLength } = frame
  if (byteOffset % FRAME_ALIGNMENT !== 0 || !(buffer instanceof ArrayBuffer)) return new Uint8Array(frame)
  return new Uint8Array(buffer, byteOffset, byteLength)
}

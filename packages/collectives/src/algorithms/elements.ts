/**
 * How a run of elements becomes one message and back: raw bytes, or a codec's bytes. Both sides compute
 * the same sizes, so messages carry no lengths. Not for: which elements go where.
 */
import { FRAME_HEADER_BYTES } from '@rondo/protocol'
import { type Frame, type MessageSource, payloadOf } from '../algorithm.ts'
import { type Codec, valuesIn } from '../codecs/codec.ts'
import { bytesOf, type DType, type NumericArray } from '../dtype.ts'

export interface ElementWire {
  /** Elements of a full message. */
  readonly perMessage: number
  bytesFor(count: number): number
  /** The values of a received message: a view of it, or of a scratch buffer that the next call reuses. */
  read(frame: Frame, count: number): NumericArray
  /** Writes values that `read` gave back into the same message, after they were changed in place. */
  rewrite(frame: Frame, values: NumericArray): void
  /** Writes values from elsewhere into a message of their size. */
  write(frame: Frame, values: NumericArray): void
  /** What all ranks will read from this message goes to `target[at…]`. */
  store(frame: Frame, count: number, target: NumericArray, at: number): void
  /** Messages of `source[from…to)`, made on demand. */
  messages(source: NumericArray, from: number, to: number): MessageSource
}

export function elementWire(dtype: DType, codec: Codec | undefined, messageBytes: number): ElementWire {
  return codec === undefined ? rawWire(dtype, messageBytes) : codecWire(codec, messageBytes)
}

function rawWire(dtype: DType, messageBytes: number): ElementWire {
  const perMessage = Math.floor(messageBytes / dtype.bytes)
  const read = (frame: Frame, count: number): NumericArray =>
    dtype.view(frame.buffer, frame.byteOffset + FRAME_HEADER_BYTES, count)
  return {
    perMessage,
    bytesFor: (count) => count * dtype.bytes,
    read,
    rewrite: () => {},
    write: (frame, values) => payloadOf(frame).set(bytesOf(values)),
    store: (frame, _count, target, at) => bytesOf(target).set(payloadOf(frame), at * dtype.bytes),
    messages(source, from, to) {
      const bytes = bytesOf(source).subarray(from * dtype.bytes, to * dtype.bytes)
      const step = perMessage * dtype.bytes
      return {
        count: Math.ceil(bytes.byteLength / step),
        bytes: (i) => Math.min(step, bytes.byteLength - i * step),
        fill: (i, payload) => payload.set(bytes.subarray(i * step, (i + 1) * step)),
      }
    },
  }
}

function codecWire(codec: Codec, messageBytes: number): ElementWire {
  const perMessage = valuesIn(codec, messageBytes)
  let scratch: Float32Array | undefined
  const write = (frame: Frame, values: NumericArray): void =>
    void codec.encode(values as Float32Array, payloadOf(frame))
  return {
    perMessage,
    bytesFor: (count) => codec.bytesFor(count),
    read(frame, count) {
      scratch ??= new Float32Array(perMessage)
      const values = scratch.subarray(0, count)
      codec.decode(payloadOf(frame), values)
      return values
    },
    rewrite: write,
    write,
    store: (frame, count, target, at) =>
      codec.decode(payloadOf(frame), (target as Float32Array).subarray(at, at + count)),
    messages(source, from, to) {
      const values = (source as Float32Array).subarray(from, to)
      return {
        count: Math.ceil(values.length / perMessage),
        bytes: (i) => codec.bytesFor(Math.min(perMessage, values.length - i * perMessage)),
        fill: (i, payload) => void codec.encode(values.subarray(i * perMessage, (i + 1) * perMessage), payload),
      }
    },
  }
}

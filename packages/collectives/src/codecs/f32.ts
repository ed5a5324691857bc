/** Plain float32, 4 bytes a value. */
import type { Codec } from './codec.ts'

export const f32: Codec = {
  name: 'f32',
  bytesFor: (count) => 4 * count,
  encode(x, out) {
    out.set(new Uint8Array(x.buffer, x.byteOffset, x.byteLength))
    return x.byteLength
  },
  decode(bytes, out) {
    new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(bytes.subarray(0, out.byteLength))
  },
}

/**
 * Views that codecs need: the bit patterns of float32 values, and 16-bit words in a byte buffer wherever it
 * starts. Little-endian machines only, which is every browser there is.
 */

export function bitsOf(x: Float32Array): Uint32Array {
  return new Uint32Array(x.buffer, x.byteOffset, x.length)
}

/** Runs `use` on `count` 16-bit words at the start of `bytes`; an odd address costs a copy back and forth. */
export function withWords(bytes: Uint8Array, count: number, use: (words: Uint16Array) => void): void {
  if (bytes.byteOffset % 2 === 0) {
    use(new Uint16Array(bytes.buffer, bytes.byteOffset, count))
    return
  }
  const copy = bytes.slice(0, 2 * count)
  use(new Uint16Array(copy.buffer, 0, count))
  bytes.set(copy)
}

/** How functions and values of a notebook go to other workers and come back. */
export { type DecodeOptions, decodeValue, type EncodeOptions, encodeValue } from './codec.ts'
export { ForkError } from './fork-error.ts'
export type { ValueCodec } from './value-codec.ts'

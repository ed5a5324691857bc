/** How functions and values of a notebook go to other workers and come back. */
export { type DecodeOptions, decodeValue, type EncodeOptions, encodeValue } from './codec.ts'
export { type ForkRequest, forkFunction } from './fork.ts'
export { ForkError } from './fork-error.ts'
export { type RevivedProgram, type ReviveOptions, reviveProgram } from './revive.ts'
export type { ValueCodec } from './value-codec.ts'

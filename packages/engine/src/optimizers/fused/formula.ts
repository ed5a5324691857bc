/**
 * What a fused step needs of an optimizer: its formula for one value, once as a loop over host memory, once as WGSL
 * and once as a vector loop over the wasm heap (wasm-kernels/simd/optimizer-programs.ts), all with the same scalars.
 * Not for: the formulas themselves (sgd.ts, adam.ts, rmsprop.ts).
 */
import type { OptimizerLoopName } from '../../wasm-kernels/simd/optimizer-programs.ts'

/** Numbers that a formula takes, rounded to float32; the factor on the gradient is number 0, unused ones are 0. */
export type Scalars = readonly [N, N, N, N, N, N, N, N, N, N, N, N]
type N = number
export const MAX_SCALARS = 12

export interface Formula {
  /** Names what is computed; scalars are no part of it. */
  readonly loop: OptimizerLoopName
  /** Slots of state: 0 to 3. */
  readonly slots: number
  /**
   * Statements that take `w` (the value), `g` (the gradient, averaged) and the slots `s0`, `s1`, `s2`, and leave the
   * new ones in the same names. `a[1]` and so on are the scalars.
   */
  readonly wgsl: string
}

/** The arrays of one update, all of one length: value and gradient are read, next and slots written. */
export interface HostUpdate {
  value: Float32Array
  /** Times scalar 0 it is the averaged gradient. */
  gradient: Float32Array
  next: Float32Array
  slots: Float32Array[]
  scalars: Scalars
  /** First index to update; those before it are done. */
  from: number
}

/** An optimizer as the fused steps see it. */
export interface FusedRule {
  readonly formula: Formula
  /** Scalars 1 and up of a parameter's `step`-th update, the first being 1. */
  scalars(step: number): number[]
  /**
   * The formula as one plain pass. Every operation is rounded to float32, in the order in which the vector loop
   * does it, so that both give the same bits.
   */
  updateHost(update: HostUpdate): void
}

/** All scalars of an update as the formulas take them. */
export function scalarsOf(rule: FusedRule, step: number, scale: number): Scalars {
  const scalars = new Array<number>(MAX_SCALARS).fill(0)
  for (const [i, value] of [scale, ...rule.scalars(step)].entries()) scalars[i] = Math.fround(value)
  return scalars as unknown as Scalars
}

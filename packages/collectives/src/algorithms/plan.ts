/** What every reduction is told: where its values are, how they travel, how two of them become one. */
import type { Codec } from '../codecs/codec.ts'
import type { DType, NumericArray } from '../dtype.ts'
import type { Combine } from '../reduce.ts'

export interface ReductionPlan {
  readonly dtype: DType
  readonly codec?: Codec | undefined
  /** This rank's contribution: the whole vector. It is only read, and may be the same memory as `output`. */
  readonly input: NumericArray
  /** The whole vector; for a reduce-scatter this rank's chunk. */
  readonly output: NumericArray
  readonly combine: Combine
  /** What finished sums are divided by; 1 for none. */
  readonly divisor: number
}

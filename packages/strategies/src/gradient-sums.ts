/**
 * Gradients of all ranks since zeroGrad as Σ g·n in host memory, one array a bucket, and the average that a step makes
 * of them: ÷ Σn, ÷ loss scale, clipped. Not for: how they came here (ddp/), gradients nobody exchanged yet
 * (ddp/local-gradients.ts).
 */
import type { GradientBuckets, LossScaler, Optimizer, Parameter } from '@rondo/engine'
import type { LocalGradients } from './ddp/local-gradients.ts'
import type { AveragedGradients } from './strategy.ts'

export interface SumsParts {
  parameters: readonly Parameter[]
  buckets: GradientBuckets
  /** Ranks that a uniform average divides by; null for the weighted one. */
  uniformOver: number | null
  /** What losses are multiplied by. */
  scaler: LossScaler | null
}

export class GradientSums implements AveragedGradients {
  private readonly parts: SumsParts
  private arrays: Float32Array[] | null = null
  /** Σn behind `arrays`. */
  private weight = 0
  /** Loss scale of `arrays`. */
  private lossScale = 1
  /** What clipping multiplied the average by; not yet applied to `arrays`. */
  private factor = 1
  /** Per trainable parameter: 1 when any rank had a gradient. */
  private used: Uint8Array

  constructor(parts: SumsParts) {
    this.parts = parts
    this.used = new Uint8Array(parts.parameters.length)
  }

  get isEmpty(): boolean {
    return this.arrays === null
  }

  /** Adds Σ g·n of one synchronisation; the arrays become this object's. */
  add(arrays: Float32Array[], weight: number, used: Uint8Array): void {
    const lossScale = this.parts.scaler?.scale ?? 1
    for (let i = 0; i < used.length; i++) this.used[i] = (this.used[i] as number) | (used[i] as number)
    this.weight += weight
    if (this.arrays === null) {
      this.arrays = arrays
      this.lossScale = lossScale
      return
    }
    // What was clipped, or scaled by another scale, becomes a sum like the new one again.
    multiply(this.arrays, (this.factor * lossScale) / this.lossScale)
    this.factor = 1
    this.lossScale = lossScale
    this.arrays.forEach((sums, k) => {
      const more = arrays[k] as Float32Array
      for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + (more[i] as number)
    })
  }

  /** Takes over what this rank gathered for itself: where no ranks exchange, that is the sum. */
  async takeLocal(local: LocalGradients): Promise<void> {
    const { gradients, scale, weight, used } = local.take()
    if (gradients.length === 0) return
    const { buckets } = this.parts
    const flat = buckets.flatten(gradients, scale)
    this.add(await Promise.all(flat.map((bucket) => buckets.readback(bucket))), weight, used)
  }

  clear(): void {
    this.arrays = null
    this.weight = 0
    this.factor = 1
    this.used.fill(0)
  }

  /** Moves the parameters by the average. */
  apply(optimizer: Optimizer): void {
    const { parameters, buckets } = this.parts
    optimizer.applyBuckets(parameters, buckets, this.arrays ?? [], { scale: this.scale, used: this.used })
  }

  isFinite(): boolean {
    return (this.arrays ?? []).every(allFinite)
  }

  norm(p: number): number {
    const size = Math.abs(this.scale)
    if (p === Number.POSITIVE_INFINITY) return size * this.largest()
    let sum = 0
    for (const array of this.arrays ?? []) {
      if (p === 2) for (const value of array) sum += value * value
      else for (const value of array) sum += Math.abs(value) ** p
    }
    return size * sum ** (1 / p)
  }

  nonFinite(): string[] {
    const { parameters, buckets } = this.parts
    return buckets.plan.flatMap((slots, k) =>
      slots.flatMap(({ index, offset, size }) => {
        const values = this.arrays?.[k]?.subarray(offset, offset + size)
        return values && !allFinite(values) ? [parameters[index]?.name ?? ''] : []
      }),
    )
  }

  multiply(factor: number): void {
    this.factor *= factor
  }

  clamp(limit: number): void {
    multiply(this.arrays ?? [], this.scale)
    this.factor = this.divisor
    for (const array of this.arrays ?? []) {
      for (let i = 0; i < array.length; i++) {
        const value = array[i] as number
        if (value > limit) array[i] = limit
        else if (value < -limit) array[i] = -limit
      }
    }
  }

  /** What makes the average of the sums. */
  private get scale(): number {
    // Σn is 0 when all ranks have run out of data.
    return this.divisor === 0 ? 0 : this.factor / this.divisor
  }

  private get divisor(): number {
    return (this.parts.uniformOver ?? this.weight) * this.lossScale
  }

  /** The largest size of all values; NaN if one is NaN. */
  private largest(): number {
    let found = 0
    for (const array of this.arrays ?? []) {
      for (const value of array) {
        const size = Math.abs(value)
        if (Number.isNaN(size)) return size
        if (size > found) found = size
      }
    }
    return found
  }
}

function multiply(arrays: readonly Float32Array[], factor: number): void {
  if (factor === 1) return
  for (const array of arrays) for (let i = 0; i < array.length; i++) array[i] = (array[i] as number) * factor
}

/** Nothing times zero is anything but zero, unless it is infinite or no number. */
function allFinite(values: Float32Array): boolean {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) * 0
  return sum === 0
}

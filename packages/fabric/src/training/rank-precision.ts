/**
 * What a requested precision comes to on this rank's device: the format that products are rounded to, gradients' format
 * between ranks, the loss scaler; and the line that says so. Not for: names (precision.ts) or rounding (engine).
 */
import { type HalfType, halfArithmetic, LossScaler } from '@rondo/engine'
import type { StepPrecision } from '@rondo/strategies'
import type { Precision } from '../precision.ts'

export interface RequestedPrecision {
  precision: Precision
  /** A plugin's: taken as it is, on any device, with its own scaler if it has one. */
  plugin?: { scaler?: LossScaler }
}

export class RankPrecision implements StepPrecision {
  readonly requested: Precision
  /** What is done; differs from what was requested where the device cannot. */
  readonly used: Precision
  readonly scaler: LossScaler | null

  /** @param withoutF16 what has no float16 in this run, `wasm of rank 1`; null when all ranks have it */
  constructor({ precision, plugin }: RequestedPrecision, withoutF16: string | null) {
    this.requested = precision
    this.used = precision === '16-mixed' && withoutF16 !== null && !plugin ? 'bf16-mixed' : precision
    this.scaler = this.used === '16-mixed' ? (plugin?.scaler ?? new LossScaler()) : null
  }

  /** What inputs and weights of products and layers are rounded to; null for float32. */
  get halfType(): HalfType | null {
    switch (this.used) {
      case '16-mixed':
      case '16-true':
        return 'f16'
      case 'bf16-mixed':
      case 'bf16-true':
        return 'bf16'
      default:
        return null
    }
  }

  get gradientFormat(): HalfType | null {
    return this.halfType
  }

  /** What weights are rounded to after every step; null where they stay float32. */
  get weightFormat(): HalfType | null {
    return this.used.endsWith('-true') ? this.halfType : null
  }

  /** For banner, pages and report: `name: weights …, arithmetic …, wire …, loss scaler …, shader-f16 …`. */
  describe(wire: string): string {
    const { used, requested, halfType, weightFormat, scaler } = this
    const { inAdapter, inProducts } = halfArithmetic()
    const name = used === requested ? used : `${used} (asked for ${requested})`
    const weights = weightFormat ? `${weightFormat}, no master copy` : halfType ? 'f32 master' : 'f32'
    const products = inProducts ? 'f16 products (shader-f16)' : 'f32'
    const arithmetic = halfType ? `${inProducts ? products : 'f32 sums'} of ${halfType}-rounded inputs` : products
    return [
      `${name}: weights ${weights}`,
      `arithmetic ${arithmetic}`,
      `wire ${wire}`,
      `loss scaler ${scaler ? `on, scale ${scaler.scale}` : 'off'}`,
      `shader-f16 ${inAdapter ? (inProducts ? 'yes' : 'yes, not used') : 'no'}`,
    ].join(', ')
  }
}

/** The precision plugins with an effect of their own: what an option says, and a loss scaler of one's own. */
import { LossScaler } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import { type Precision, parsePrecision } from '../precision.ts'
import { PrecisionPlugin } from './kinds.ts'

/** Options of MixedPrecision. */
export interface MixedPrecisionOptions {
  /** With `16-mixed` only. */
  scaler?: LossScaler
}

/**
 * Mixed precision as a plugin, taken at its word on every accelerator: the option `precision: "16-mixed"` becomes
 * `bf16-mixed` where there is no float16 arithmetic, this rounds to float16 there too (Lightning's `MixedPrecision`).
 */
export class MixedPrecision extends PrecisionPlugin {
  readonly precision: Precision
  declare readonly scaler?: LossScaler

  /** Throws BAD_ARGUMENT for a precision that is not mixed, and for a scaler beside `bf16-mixed`. */
  constructor(precision: '16-mixed' | 'bf16-mixed', { scaler }: MixedPrecisionOptions = {}) {
    super()
    this.precision = parsePrecision(precision)
    if (!this.precision.endsWith('-mixed')) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `new MixedPrecision("${precision}"): that is no mixed precision. Allowed are "16-mixed" and "bf16-mixed". Use the option precision: "${precision}" instead.`,
      )
    }
    if (scaler === undefined) return
    if (this.precision === 'bf16-mixed' || !(scaler instanceof LossScaler)) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `new MixedPrecision("${precision}", { scaler }): ${this.precision === 'bf16-mixed' ? "bfloat16 has float32's range and needs no loss scale" : 'scaler is no LossScaler'}. Allowed is a LossScaler with "16-mixed". Leave it out, or pass new LossScaler({ initScale: 1024 }).`,
      )
    }
    this.scaler = scaler
  }
}

/**
 * Dynamic loss scaling for float16: the loss is multiplied by a scale, so that small gradients do not vanish in 16 bits;
 * gradients that overflow cost one step and halve the scale (Micikevicius et al. 2018, §3.2). Numbers and state are those
 * of torch.amp.GradScaler. Not for: who scales, looks for infinities and skips (strategies).
 */
import { RondoError } from '@rondo/protocol'

const INIT_SCALE = 65_536
const GROWTH_FACTOR = 2
const BACKOFF_FACTOR = 0.5
/** Clean steps in a row after which the scale grows. */
const GROWTH_INTERVAL = 2_000
/** The smallest normal float32: a loss that is never a number must not drive the scale to 0. */
const LEAST_SCALE = 2 ** -126

/** Options of a LossScaler; names and defaults are torch.amp.GradScaler's. */
export interface LossScalerOptions {
  /** Above 0. */
  initScale?: number
  /** Above 1. */
  growthFactor?: number
  /** Between 0 and 1. */
  backoffFactor?: number
  /** Whole number of at least 1. */
  growthInterval?: number
}

/** As it stands in checkpoints. Plain data. */
export interface LossScalerState {
  scale: number
  growthFactor: number
  backoffFactor: number
  growthInterval: number
  /** Clean steps since the last change of the scale. */
  growthTracker: number
}

/**
 * The factor by which a loss is multiplied so that half-precision gradients do not vanish: halved at an infinity, doubled
 * after many clean steps (Micikevicius et al. 2018; torch.amp.GradScaler).
 */
export class LossScaler {
  private state: LossScalerState

  /** @throws BAD_ARGUMENT for a value out of its range */
  constructor(options: LossScalerOptions = {}) {
    this.state = checked('new LossScaler', {
      scale: options.initScale ?? INIT_SCALE,
      growthFactor: options.growthFactor ?? GROWTH_FACTOR,
      backoffFactor: options.backoffFactor ?? BACKOFF_FACTOR,
      growthInterval: options.growthInterval ?? GROWTH_INTERVAL,
      growthTracker: 0,
    })
  }

  /** What losses are multiplied by. Changes only in `update`. */
  get scale(): number {
    return this.state.scale
  }

  /** Follows every step, equally on all ranks. @param overflowed a gradient of any rank was infinite or no number */
  update(overflowed: boolean): void {
    const { state } = this
    if (overflowed) {
      state.scale = Math.max(LEAST_SCALE, state.scale * state.backoffFactor)
      state.growthTracker = 0
      return
    }
    state.growthTracker += 1
    if (state.growthTracker < state.growthInterval) return
    state.growthTracker = 0
    const grown = Math.fround(state.scale * state.growthFactor)
    if (Number.isFinite(grown)) state.scale = grown
  }

  /** Plain data for a checkpoint; `loadStateDict` takes it. */
  stateDict(): LossScalerState {
    return { ...this.state }
  }

  /** @throws BAD_ARGUMENT for something that `stateDict` did not give */
  loadStateDict(state: LossScalerState): void {
    this.state = checked('LossScaler.loadStateDict', state)
  }
}

function checked(call: string, state: LossScalerState): LossScalerState {
  const rules: Array<[keyof LossScalerState, (value: number) => boolean, string]> = [
    ['scale', (value) => value > 0 && Number.isFinite(value), 'a finite number above 0'],
    ['growthFactor', (value) => value > 1 && Number.isFinite(value), 'a finite number above 1'],
    ['backoffFactor', (value) => value > 0 && value < 1, 'a number between 0 and 1'],
    ['growthInterval', (value) => Number.isSafeInteger(value) && value >= 1, 'a whole number of at least 1'],
    ['growthTracker', (value) => Number.isSafeInteger(value) && value >= 0, 'a whole number of at least 0'],
  ]
  for (const [name, fits, allowed] of rules) {
    const value: unknown = (state as Partial<LossScalerState> | null)?.[name]
    if (typeof value === 'number' && fits(value)) continue
    throw new RondoError(
      'BAD_ARGUMENT',
      `${call}: ${name} is ${String(value)}; it must be ${allowed}. Correct it, or leave it out for the default.`,
    )
  }
  const { scale, growthFactor, backoffFactor, growthInterval, growthTracker } = state
  return { scale, growthFactor, backoffFactor, growthInterval, growthTracker }
}

/**
 * The one-cycle policy (Smith and Topin 2018) with torch's OneCycleLR's options: up to `maxLr`, down to almost
 * nothing, momentum the other way round. Not for: fastai's fitOneCycle, whose defaults differ.
 */
import { RondoError } from '@rondo/protocol'
import { checkOption, isCount, isFiniteNumber, LrScheduler, type Scheduled } from './scheduler.ts'

export interface OneCycleLrOptions {
  maxLr: number
  /** Counts of the whole cycle; or give `epochs` and `stepsPerEpoch`. */
  totalSteps?: number
  epochs?: number
  stepsPerEpoch?: number
  /** Share of the cycle that the learning rate rises; default 0.3. */
  pctStart?: number
  /** Shape of the ways up and down; default `cos`. */
  annealStrategy?: 'cos' | 'linear'
  /** Moves momentum (β₁ of Adam) against the learning rate; default true. */
  cycleMomentum?: boolean
  /** Momentum at `maxLr`; default 0.85. */
  baseMomentum?: number
  /** Momentum at both ends; default 0.95. */
  maxMomentum?: number
  /** First learning rate is maxLr / divFactor; default 25. */
  divFactor?: number
  /** Last learning rate is the first one / finalDivFactor; default 10,000. */
  finalDivFactor?: number
  /** Comes back to the first learning rate before the last descent; default false. */
  threePhase?: boolean
}

interface Phase {
  /** Count at which it ends; phases after the first begin there. */
  end: number
  rates: [from: number, to: number]
  momenta: [from: number, to: number]
}

const NAME = 'OneCycleLR'

export class OneCycleLR extends LrScheduler {
  readonly totalSteps: number
  private readonly phases: readonly Phase[]
  private readonly cosine: boolean
  private readonly cyclesMomentum: boolean

  /** @throws BAD_ARGUMENT for options out of range, and for cycleMomentum with an optimizer that has no momentum */
  constructor(optimizer: Scheduled, options: OneCycleLrOptions) {
    super(optimizer)
    const { pctStart = 0.3, annealStrategy = 'cos', cycleMomentum = true, threePhase = false } = options
    const { baseMomentum = 0.85, maxMomentum = 0.95, divFactor = 25, finalDivFactor = 1e4 } = options
    this.totalSteps = totalSteps(options)
    const positive = (option: string, value: number) =>
      checkOption(NAME, option, value, 'a finite number above 0', (v) => isFiniteNumber(v) && v > 0)
    checkOption(NAME, 'pctStart', pctStart, 'from 0 to 1', (share) => share >= 0 && share <= 1)
    if (annealStrategy !== 'cos' && annealStrategy !== 'linear') {
      throw new RondoError(
        'BAD_ARGUMENT',
        `${NAME}({ annealStrategy: ${String(annealStrategy)} }): allowed are "cos" and "linear". Choose one.`,
      )
    }
    if (cycleMomentum && optimizer.momentum === undefined) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `${NAME}({ cycleMomentum: true }): this optimizer has no momentum to move. Use sgd with momentum above 0, rmsprop with momentum, or an Adam; or set cycleMomentum: false.`,
      )
    }
    this.cosine = annealStrategy === 'cos'
    this.cyclesMomentum = cycleMomentum
    const top = positive('maxLr', options.maxLr)
    const first = top / positive('divFactor', divFactor)
    const last = first / positive('finalDivFactor', finalDivFactor)
    const rise = pctStart * this.totalSteps - 1
    const up: Phase = { end: rise, rates: [first, top], momenta: [maxMomentum, baseMomentum] }
    const end = this.totalSteps - 1
    this.phases = threePhase
      ? [
          up,
          { end: 2 * pctStart * this.totalSteps - 2, rates: [top, first], momenta: [baseMomentum, maxMomentum] },
          { end, rates: [first, last], momenta: [maxMomentum, maxMomentum] },
        ]
      : [up, { end, rates: [top, last], momenta: [baseMomentum, maxMomentum] }]
    this.start()
  }

  rateAt(count: number): number {
    return this.on(count, ({ rates }) => rates)
  }

  /** Momentum after `count` calls of `step`. */
  momentumAt(count: number): number {
    return this.on(count, ({ momenta }) => momenta)
  }

  /**
   * As often as the cycle has steps, as in PyTorch: the call after the last training step leads to nothing.
   * @throws BAD_ARGUMENT beyond that
   */
  override step(): void {
    if (this.count + 1 > this.totalSteps) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `${NAME}: step ${this.count + 1} of a cycle of ${this.totalSteps}. A cycle has no steps beyond its own. Set totalSteps to the number of steps that are trained, or stop calling step().`,
      )
    }
    super.step()
  }

  protected override apply(): void {
    super.apply()
    if (this.cyclesMomentum) this.optimizer.momentum = this.momentumAt(this.count)
  }

  private on(count: number, ends: (phase: Phase) => [from: number, to: number]): number {
    let start = 0
    for (const [i, phase] of this.phases.entries()) {
      if (count <= phase.end || i === this.phases.length - 1) {
        const [from, to] = ends(phase)
        // A phase of no length is left as soon as it is entered.
        const share = phase.end === start ? 1 : (count - start) / (phase.end - start)
        return this.cosine ? to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2 : from + (to - from) * share
      }
      start = phase.end
    }
    return ends(this.phases.at(-1) as Phase)[1]
  }
}

function totalSteps({ totalSteps: total, epochs, stepsPerEpoch }: OneCycleLrOptions): number {
  const whole = 'a whole number of at least 1'
  if (total !== undefined) return checkOption(NAME, 'totalSteps', total, whole, isCount)
  if (epochs === undefined || stepsPerEpoch === undefined) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `${NAME}: neither totalSteps nor both of epochs and stepsPerEpoch are given. The cycle needs a length. Give totalSteps, or epochs and stepsPerEpoch.`,
    )
  }
  return (
    checkOption(NAME, 'epochs', epochs, whole, isCount) *
    checkOption(NAME, 'stepsPerEpoch', stepsPerEpoch, whole, isCount)
  )
}

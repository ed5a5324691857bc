/**
 * Half a cosine from the first learning rate down to `etaMin`, once (torch's CosineAnnealingLR) or again and again
 * with longer and longer periods (CosineAnnealingWarmRestarts; SGDR, Loshchilov and Hutter 2017).
 */
import { checkOption, isCount, isFiniteNumber, LrScheduler, type Scheduled } from './scheduler.ts'

const WHOLE = 'a whole number of at least 1'

export interface CosineAnnealingLrOptions {
  /** Counts until the lowest learning rate; beyond them it rises again along the same cosine. */
  tMax: number
  /** Lowest learning rate; default 0. */
  etaMin?: number
}

export class CosineAnnealingLR extends LrScheduler {
  private readonly tMax: number
  private readonly etaMin: number

  constructor(optimizer: Scheduled, { tMax, etaMin = 0 }: CosineAnnealingLrOptions) {
    super(optimizer)
    this.tMax = checkOption('CosineAnnealingLR', 'tMax', tMax, WHOLE, isCount)
    this.etaMin = checkOption('CosineAnnealingLR', 'etaMin', etaMin, 'a finite number', isFiniteNumber)
    this.start()
  }

  rateAt(count: number): number {
    return onCosine(this.base, this.etaMin, count / this.tMax)
  }
}

export interface CosineWarmRestartsOptions {
  /** Counts of the first period. */
  t0: number
  /** Each period is so many times as long as the one before; default 1. */
  tMult?: number
  /** Lowest learning rate; default 0. */
  etaMin?: number
}

export class CosineAnnealingWarmRestarts extends LrScheduler {
  private readonly t0: number
  private readonly tMult: number
  private readonly etaMin: number

  constructor(optimizer: Scheduled, { t0, tMult = 1, etaMin = 0 }: CosineWarmRestartsOptions) {
    super(optimizer)
    const name = 'CosineAnnealingWarmRestarts'
    this.t0 = checkOption(name, 't0', t0, WHOLE, isCount)
    this.tMult = checkOption(name, 'tMult', tMult, WHOLE, isCount)
    this.etaMin = checkOption(name, 'etaMin', etaMin, 'a finite number', isFiniteNumber)
    this.start()
  }

  rateAt(count: number): number {
    let period = this.t0
    let within = count
    if (this.tMult === 1) within = count % period
    else {
      while (within >= period) {
        within -= period
        period *= this.tMult
      }
    }
    return onCosine(this.base, this.etaMin, within / period)
  }
}

/** From `high` at share 0 to `low` at share 1. */
function onCosine(high: number, low: number, share: number): number {
  return low + ((high - low) * (1 + Math.cos(Math.PI * share))) / 2
}

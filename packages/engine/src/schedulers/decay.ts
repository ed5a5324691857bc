/** Schedulers that multiply the learning rate at certain counts, as torch's StepLR, MultiStepLR and ExponentialLR. */
import { checkOption, isCount, isFiniteNumber, LrScheduler, type Scheduled } from './scheduler.ts'

export interface StepLrOptions {
  /** Counts between two decays. */
  stepSize: number
  /** Factor of each decay; default 0.1. */
  gamma?: number
}

/** base · γ^⌊count / stepSize⌋ */
export class StepLR extends LrScheduler {
  private readonly stepSize: number
  private readonly gamma: number

  constructor(optimizer: Scheduled, { stepSize, gamma = 0.1 }: StepLrOptions) {
    super(optimizer)
    this.stepSize = checkOption('StepLR', 'stepSize', stepSize, 'a whole number of at least 1', isCount)
    this.gamma = checkOption('StepLR', 'gamma', gamma, 'a finite number', isFiniteNumber)
    this.start()
  }

  rateAt(count: number): number {
    return this.base * this.gamma ** Math.floor(count / this.stepSize)
  }
}

export interface MultiStepLrOptions {
  /** Counts at which the learning rate decays, in any order; one that stands twice decays twice. */
  milestones: readonly number[]
  /** Factor of each decay; default 0.1. */
  gamma?: number
}

/** base · γ^(number of milestones ≤ count) */
export class MultiStepLR extends LrScheduler {
  private readonly milestones: readonly number[]
  private readonly gamma: number

  constructor(optimizer: Scheduled, { milestones, gamma = 0.1 }: MultiStepLrOptions) {
    super(optimizer)
    this.milestones = milestones.map((milestone) =>
      checkOption('MultiStepLR', 'milestones', milestone, 'a list of whole numbers of at least 0', isMilestone),
    )
    this.gamma = checkOption('MultiStepLR', 'gamma', gamma, 'a finite number', isFiniteNumber)
    this.start()
  }

  rateAt(count: number): number {
    return this.base * this.gamma ** this.milestones.filter((milestone) => milestone <= count).length
  }
}

/** base · γ^count */
export class ExponentialLR extends LrScheduler {
  private readonly gamma: number

  constructor(optimizer: Scheduled, { gamma }: { gamma: number }) {
    super(optimizer)
    this.gamma = checkOption('ExponentialLR', 'gamma', gamma, 'a finite number', isFiniteNumber)
    this.start()
  }

  rateAt(count: number): number {
    return this.base * this.gamma ** count
  }
}

/** 0 counts from the start, as in torch. */
const isMilestone = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

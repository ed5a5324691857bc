/**
 * Metrics that follow from a confusion matrix: accuracy, precision, recall, F1, and the matrix itself. Counts are
 * whole numbers, so ranks merge exactly. Formulas as in torchmetrics; a class without samples counts as 0 in averages
 * over classes only if it was predicted. Not for: curves (auroc.ts).
 */
import { RondoError } from '@rondo/protocol'
import { badInput, Metric, type MetricInput, type MetricStates, type Values } from './metric.ts'

export interface ClassificationOptions {
  /** Number of classes, 2 or more. */
  numClasses: number
  /** From what on a single score a sample counts as class 1, where scores are one number each; default 0.5. */
  threshold?: number
}

export interface AveragedOptions extends ClassificationOptions {
  /** `micro`: over all samples alike; `macro`: mean over classes. Default `micro`. */
  average?: 'micro' | 'macro'
}

const STATE = 'matrix'

abstract class Confusion<T> extends Metric<T> {
  protected readonly classes: number
  private readonly threshold: number

  constructor({ numClasses, threshold = 0.5 }: ClassificationOptions) {
    super()
    if (!Number.isSafeInteger(numClasses) || numClasses < 2) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `${new.target.name}({ numClasses: ${String(numClasses)} }): it must be a whole number of at least 2. Pass the number of classes.`,
      )
    }
    this.classes = numClasses
    this.threshold = threshold
    this.addState(STATE, 'sum', new Array<number>(numClasses * numClasses).fill(0))
  }

  /**
   * Counts a batch.
   * @param predictions class numbers [n] (integers), scores [n, classes] of which the greatest counts, or, for two
   * classes, the score of class 1 [n]
   * @param targets class numbers [n], or one-hot [n, classes]
   */
  update(predictions: MetricInput, targets: MetricInput): Promise<void> {
    return this.enqueue([predictions, targets], ([predicted, wanted]) => {
      const guesses = this.classesOf(predicted as Values, 'predictions')
      const truth = this.classesOf(wanted as Values, 'targets')
      if (guesses.length !== truth.length) {
        throw badInput(this, `${guesses.length} predictions and ${truth.length} targets`, 'one target a prediction')
      }
      const matrix = this.state(STATE)
      truth.forEach((target, i) => {
        const at = target * this.classes + (guesses[i] as number)
        matrix[at] = (matrix[at] as number) + 1
      })
    })
  }

  private classesOf({ data, shape }: Values, what: string): number[] {
    const [rows = 1, columns = 1] = shape
    if (shape.length === 2 && columns === this.classes) {
      return Array.from({ length: rows }, (_, row) => greatest(data, row * columns, columns))
    }
    const flat = shape.length < 2 || (shape.length === 2 && columns === 1)
    const values = Array.from({ length: data.length }, (_, i) => data[i] as number)
    const named = flat && values.every((value) => Number.isInteger(value) && value >= 0 && value < this.classes)
    if (named) return values
    if (flat && this.classes === 2 && what === 'predictions')
      return values.map((score) => (score > this.threshold ? 1 : 0))
    throw badInput(
      this,
      `${what} of shape [${shape.join(', ')}]${flat ? ' that are no class numbers' : ''}`,
      `class numbers from 0 to ${this.classes - 1} in [n], or scores in [n, ${this.classes}]`,
    )
  }

  /** Of each class: samples of it that were found, samples taken for it, samples of it. */
  protected countsOf(states: MetricStates): Array<{ found: number; guessed: number; actual: number }> {
    const matrix = states[STATE] as Float64Array
    const at = (target: number, guess: number): number => matrix[target * this.classes + guess] as number
    return Array.from({ length: this.classes }, (_, c) => {
      let [guessed, actual] = [0, 0]
      for (let other = 0; other < this.classes; other++) {
        guessed += at(other, c)
        actual += at(c, other)
      }
      return { found: at(c, c), guessed, actual }
    })
  }
}

/** Row: true class; column: predicted class. */
export class ConfusionMatrix extends Confusion<number[][]> {
  protected valueOf(states: MetricStates): number[][] {
    const matrix = states[STATE] as Float64Array
    const { classes } = this
    return Array.from({ length: classes }, (_, row) => [...matrix.subarray(row * classes, (row + 1) * classes)])
  }
}

type Counts = { found: number; guessed: number; actual: number }

abstract class Averaged extends Confusion<number> {
  private readonly average: 'micro' | 'macro'

  constructor({ average = 'micro', ...options }: AveragedOptions) {
    super(options)
    if (average !== 'micro' && average !== 'macro') {
      throw new RondoError(
        'BAD_ARGUMENT',
        `${new.target.name}({ average: ${JSON.stringify(average)} }): allowed are "micro" and "macro". Choose one.`,
      )
    }
    this.average = average
  }

  /** The score of one class, or of all of them counted together. */
  protected abstract score(counts: Counts): number

  protected valueOf(states: MetricStates): number {
    const counts = this.countsOf(states)
    if (this.average === 'micro') {
      const sum = (key: keyof Counts): number => counts.reduce((total, each) => total + each[key], 0)
      return this.score({ found: sum('found'), guessed: sum('guessed'), actual: sum('actual') })
    }
    const seen = counts.filter(({ guessed, actual }) => guessed + actual > 0)
    return ratio(
      seen.reduce((total, each) => total + this.score(each), 0),
      seen.length,
    )
  }
}

/** Share of samples whose class was found; with `macro` the mean of that share over classes. */
export class Accuracy extends Averaged {
  protected score({ found, actual }: Counts): number {
    return ratio(found, actual)
  }
}

/** Found ÷ predicted. */
export class Precision extends Averaged {
  protected score({ found, guessed }: Counts): number {
    return ratio(found, guessed)
  }
}

/** Found ÷ there. */
export class Recall extends Averaged {
  protected score({ found, actual }: Counts): number {
    return ratio(found, actual)
  }
}

/** Harmonic mean of precision and recall. */
export class F1Score extends Averaged {
  protected score({ found, guessed, actual }: Counts): number {
    return ratio(2 * found, guessed + actual)
  }
}

/** 0 where there is nothing to divide by. */
function ratio(above: number, below: number): number {
  return below === 0 ? 0 : above / below
}

/** Position of the greatest of `count` values from `start`; the first of equal ones. */
function greatest(data: ArrayLike<number>, start: number, count: number): number {
  let best = 0
  for (let i = 1; i < count; i++) if ((data[start + i] as number) > (data[start + best] as number)) best = i
  return best
}

/** Errors of predicted numbers: mean squared and mean absolute, over all elements. */
import { badInput, Metric, type MetricInput, type MetricStates } from './metric.ts'

abstract class MeanError extends Metric {
  /** What one difference adds. */
  protected abstract errorOf(difference: number): number

  constructor() {
    super()
    this.addState('total', 'sum', [0])
    this.addState('count', 'sum', [0])
  }

  /** Predictions and targets of one shape. */
  update(predictions: MetricInput, targets: MetricInput): Promise<void> {
    return this.enqueue([predictions, targets], ([predicted, wanted]) => {
      if (!predicted || !wanted || predicted.data.length !== wanted.data.length) {
        throw badInput(
          this,
          `predictions of shape [${predicted?.shape.join(', ')}] and targets of [${wanted?.shape.join(', ')}]`,
          'as many targets as predictions',
        )
      }
      let total = 0
      for (let i = 0; i < predicted.data.length; i++) {
        total += this.errorOf((predicted.data[i] as number) - (wanted.data[i] as number))
      }
      const [sum, count] = [this.state('total'), this.state('count')]
      sum[0] = (sum[0] as number) + total
      count[0] = (count[0] as number) + predicted.data.length
    })
  }

  protected valueOf({ total, count }: MetricStates): number {
    return (total?.[0] as number) / (count?.[0] as number)
  }
}

/** Mean of (prediction − target)² over all values seen on all ranks; NaN before the first. */
export class MeanSquaredError extends MeanError {
  protected errorOf(difference: number): number {
    return difference * difference
  }
}

/** Mean of |prediction − target| over all values seen on all ranks; NaN before the first. */
export class MeanAbsoluteError extends MeanError {
  protected errorOf(difference: number): number {
    return Math.abs(difference)
  }
}

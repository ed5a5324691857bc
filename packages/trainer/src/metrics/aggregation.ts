/** Mean, sum, least and greatest of numbers, as torchmetrics' aggregation metrics. */
import { badInput, Metric, type MetricInput, type MetricStates } from './metric.ts'

/** Σ value·weight ÷ Σ weight; NaN before any update. */
export class MeanMetric extends Metric {
  constructor() {
    super()
    this.addState('total', 'sum', [0])
    this.addState('weight', 'sum', [0])
  }

  /** Takes all numbers of a number, array or tensor, weighted by one weight for all or one each; 1 by default. */
  update(values: MetricInput, weight: MetricInput = 1): Promise<void> {
    return this.enqueue([values, weight], ([value, by]) => {
      const [data, weights] = [value?.data ?? [], by?.data ?? []]
      if (weights.length !== 1 && weights.length !== data.length) {
        throw badInput(
          this,
          `${data.length} values with ${weights.length} weights`,
          'one weight for all values, or one each',
        )
      }
      const [total, sum] = [this.state('total'), this.state('weight')]
      for (let i = 0; i < data.length; i++) {
        const w = weights[weights.length === 1 ? 0 : i] as number
        total[0] = (total[0] as number) + (data[i] as number) * w
        sum[0] = (sum[0] as number) + w
      }
    })
  }

  protected valueOf({ total, weight }: MetricStates): number {
    return (total?.[0] as number) / (weight?.[0] as number)
  }
}

/** What sum, least and greatest share: one number that each value changes. */
abstract class Running extends Metric {
  /** Both numbers as one. */
  protected abstract join(a: number, b: number): number

  /** Takes all numbers of a number, array or tensor. */
  update(values: MetricInput): Promise<void> {
    return this.enqueue([values], ([value]) => {
      const state = this.state('value')
      for (const number of Array.from(value?.data ?? [])) state[0] = this.join(state[0] as number, number)
    })
  }

  protected valueOf({ value }: MetricStates): number {
    return value?.[0] as number
  }
}

/** Sum of everything that it was given, on all ranks. */
export class SumMetric extends Running {
  constructor() {
    super()
    this.addState('value', 'sum', [0])
  }

  protected join(a: number, b: number): number {
    return a + b
  }
}

/** ∞ before any update. */
export class MinMetric extends Running {
  constructor() {
    super()
    this.addState('value', 'min', [Number.POSITIVE_INFINITY])
  }

  protected join(a: number, b: number): number {
    return Math.min(a, b)
  }
}

/** −∞ before any update. */
export class MaxMetric extends Running {
  constructor() {
    super()
    this.addState('value', 'max', [Number.NEGATIVE_INFINITY])
  }

  protected join(a: number, b: number): number {
    return Math.max(a, b)
  }
}

/**
 * Area under the receiver operating characteristic of two classes: the probability that a sample of class 1 scores
 * higher than one of class 0, ties counting half (Hanley and McNeil 1982). Exact, so every score is kept: 16 bytes a
 * sample on each rank.
 */
import { badInput, Metric, type MetricInput, type MetricStates } from './metric.ts'

/**
 * Area under the receiver operating characteristic of two classes, exact over all ranks. Keeps 16 bytes a sample.
 */
export class AUROC extends Metric {
  constructor() {
    super()
    this.addState('scores', 'cat', [])
    this.addState('targets', 'cat', [])
  }

  /** Scores [n] of class 1 (any scale) and targets [n], 0 or 1. */
  update(scores: MetricInput, targets: MetricInput): Promise<void> {
    return this.enqueue([scores, targets], ([given, wanted]) => {
      const truth = Array.from(wanted?.data ?? [])
      if (!given || given.data.length !== truth.length || truth.some((target) => target !== 0 && target !== 1)) {
        throw badInput(
          this,
          `scores of shape [${given?.shape.join(', ')}] and targets of [${wanted?.shape.join(', ')}]`,
          'one score a sample, and targets that are 0 or 1',
        )
      }
      this.append('scores', given.data)
      this.append('targets', truth)
    })
  }

  /** NaN when one of the classes has no sample. */
  protected valueOf({ scores = new Float64Array(0), targets = new Float64Array(0) }: MetricStates): number {
    const order = Array.from(scores.keys()).sort((a, b) => (scores[a] as number) - (scores[b] as number))
    const positives = targets.reduce((sum, target) => sum + target, 0)
    const negatives = targets.length - positives
    let rankSum = 0
    for (let i = 0; i < order.length; ) {
      let end = i
      let tied = 0
      while (end < order.length && scores[order[end] as number] === scores[order[i] as number]) {
        tied += targets[order[end] as number] as number
        end += 1
      }
      // Ranks count from 1; tied scores share the mean of theirs.
      rankSum += tied * ((i + 1 + end) / 2)
      // A NaN equals nothing, itself included.
      if (end === i) return Number.NaN
      i = end
    }
    return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives)
  }
}

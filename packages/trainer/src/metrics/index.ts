/** Metrics with state that ranks merge exactly, and the base to write one's own. */
import { MaxMetric, MeanMetric, MinMetric, SumMetric } from './aggregation.ts'
import { AUROC } from './auroc.ts'
import { Accuracy, ConfusionMatrix, F1Score, Precision, Recall } from './classification.ts'
import { MeanAbsoluteError, MeanSquaredError } from './regression.ts'

export type { AveragedOptions, ClassificationOptions } from './classification.ts'
export { Metric, type MetricInput, type MetricStates } from './metric.ts'
export {
  Accuracy,
  AUROC,
  ConfusionMatrix,
  F1Score,
  MaxMetric,
  MeanAbsoluteError,
  MeanMetric,
  MeanSquaredError,
  MinMetric,
  Precision,
  Recall,
  SumMetric,
}

/** Every class of ours, for what has to know them by name. */
export const METRICS = [
  Accuracy,
  AUROC,
  ConfusionMatrix,
  F1Score,
  MaxMetric,
  MeanAbsoluteError,
  MeanMetric,
  MeanSquaredError,
  MinMetric,
  Precision,
  Recall,
  SumMetric,
] as const

/** Metrics with state that ranks merge exactly, and the base to write one's own. */
export { MaxMetric, MeanMetric, MinMetric, SumMetric } from './aggregation.ts'
export { AUROC } from './auroc.ts'
export {
  Accuracy,
  type AveragedOptions,
  type ClassificationOptions,
  ConfusionMatrix,
  F1Score,
  Precision,
  Recall,
} from './classification.ts'
export { Metric, type MetricInput, type MetricStates } from './metric.ts'
export { MeanAbsoluteError, MeanSquaredError } from './regression.ts'

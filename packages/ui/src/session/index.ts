/** Sessions and runs as pages show them: pure models over the protocol's data, and their figures and sentences. */
export { batchLine } from './batch-line.ts'
export { deviceFacts, deviceName } from './device-text.ts'
export {
  type Figures,
  figures,
  headlineMetrics,
  leadProgress,
  metricName,
  metricText,
  shownMetrics,
} from './figures.ts'
export { addLoss, type LossHistory, lossChart, lossSummary, NO_LOSSES } from './loss-history.ts'
export { type NodeEntry, nodesOf } from './people.ts'
export { ringBeat, ringCentre, ringModel } from './ring-view.ts'
export { type ConsoleLine, foldEvent, newRun, type RankProgress, type RunProgress } from './run-progress.ts'
export { hasEnded, myRanks, type SessionView } from './session-view.ts'
export { type Standing, standing } from './standing.ts'
export { createStore, type Store } from './store.ts'

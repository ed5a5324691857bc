export { CSVLogger, type CSVLoggerOptions, nextVersion } from './csv-logger.ts'
export type { FileSink, Hyperparams, Logger, RunStatus } from './logger.ts'

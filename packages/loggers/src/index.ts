export { CSVLogger, type CSVLoggerOptions, nextVersion } from './csv-logger.ts'
export type { FileSink, Hyperparams, Logger, RunStatus } from './logger.ts'
export { TensorBoardLogger, type TensorBoardLoggerOptions } from './tensorboard/tensorboard-logger.ts'

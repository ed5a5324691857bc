export { CSVLogger, type CSVLoggerOptions } from './csv-logger.ts'
export { nextVersion } from './log-folder.ts'
export {
  type FileSink,
  type Hyperparams,
  Logger,
  type LoggerHost,
  provideLoggerHost,
  type RunStatus,
} from './logger.ts'
export { MLFlowLogger, type MLFlowLoggerOptions } from './mlflow/mlflow-logger.ts'
export { TensorBoardLogger, type TensorBoardLoggerOptions } from './tensorboard/tensorboard-logger.ts'

/**
 * What loggers that write files have in common: a folder of their own, found by root, name and version. Not for: what is
 * in the files (csv-logger.ts, tensorboard/).
 */
import { LogFolder, type LogFolderOptions } from './log-folder.ts'
import { Logger, type LoggerHost } from './logger.ts'

/** A logger with a folder of its own, `rootDir/name/version_N`. */
export abstract class FolderLogger extends Logger {
  /** Where the files are, and through whom they are written. */
  protected readonly folder: LogFolder

  /** Errors: BAD_ARGUMENT when the folder is not inside of the run's. */
  protected constructor(options: LogFolderOptions) {
    super()
    this.folder = new LogFolder(options)
  }

  /** Of the experiment. */
  get name(): string {
    return this.folder.name
  }

  /** Number or name of this run's folder. */
  get version(): number | string {
    return this.folder.version
  }

  override get rootDir(): string {
    return this.folder.rootDir
  }

  override get logDir(): string {
    return this.folder.path
  }

  override attach(host: LoggerHost): void {
    this.folder.attach(host)
  }
}

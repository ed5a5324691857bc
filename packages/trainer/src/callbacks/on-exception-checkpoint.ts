/**
 * Saves a full checkpoint when training ends by an error, so that it can go on from there. Semantics are Lightning's
 * `OnExceptionCheckpoint`. Rank 0 alone writes: the others may be gone, so nobody is asked.
 */
import { RondoError } from '@rondo/protocol'
import type { RondoModule } from '../module/module.ts'
import type { Trainer } from '../trainer.ts'
import { Callback } from './callback.ts'
import { joined, saveAlone } from './checkpoint-folder.ts'
import { checkKnown } from './known-options.ts'

export interface OnExceptionCheckpointOptions {
  /** Folder in the run's; default `checkpoints`. */
  dirpath?: string
  /** Name without ending; default `on_exception`. */
  filename?: string
}

const NAME = /^[\w.=-]+$/

export class OnExceptionCheckpoint extends Callback {
  readonly options: Required<OnExceptionCheckpointOptions>

  /** @throws BAD_ARGUMENT for a name that is no file name */
  constructor(options: OnExceptionCheckpointOptions = {}) {
    super()
    checkKnown('OnExceptionCheckpoint', options, ['dirpath', 'filename'])
    const { dirpath = 'checkpoints', filename = 'on_exception' } = options
    if (!NAME.test(filename)) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `OnExceptionCheckpoint({ filename: ${JSON.stringify(filename)} }): allowed are letters, digits and . _ = -. Choose another name.`,
      )
    }
    this.options = { dirpath, filename }
  }

  /** Where the checkpoint goes, in the run's folder. */
  get path(): string {
    const { dirpath, filename } = this.options
    return joined(dirpath.replace(/\/+$/, ''), `${filename}.ckpt`)
  }

  override async onException(trainer: Trainer, module: RondoModule): Promise<void> {
    if (trainer.globalRank !== 0 || trainer.progress === null) return
    await saveAlone(trainer, module, this.path)
    console.info(`The state before the error is in ${this.path}; fit(…, { ckptPath }) goes on from it.`)
  }

  override stateDict(): Record<string, unknown> {
    return {}
  }
}

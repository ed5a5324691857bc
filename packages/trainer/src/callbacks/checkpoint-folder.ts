/**
 * The folder of a run as callbacks that save see it: where checkpoints go, which names are taken, links. Rank 0 alone
 * touches files. Not for: what is in a checkpoint (state/).
 */
import type { RunFiles } from '@rondo/fabric'
import type { Logger } from '@rondo/loggers'
import type { RondoModule } from '../module/module.ts'
import { encodeCheckpoint } from '../state/checkpoint.ts'
import { captureCheckpoint } from '../state/state.ts'
import { rankProgress } from '../state/write-checkpoint.ts'
import type { Trainer } from '../trainer.ts'

const DEFAULT_FOLDER = 'checkpoints'

/** `dirpath`, or `checkpoints` in the folder of the first logger that has one, else in `defaultRootDir`. */
export function checkpointFolder(trainer: Trainer, dirpath: string | undefined): string {
  if (dirpath !== undefined) return trimmed(dirpath)
  const { logger, defaultRootDir } = trainer.resolved
  const loggers = (typeof logger === 'boolean' ? [] : logger) as ReadonlyArray<Logger & { logDir?: unknown }>
  const logDir = loggers.map((one) => one.logDir).find((folder) => typeof folder === 'string')
  return joined(trimmed((logDir as string | undefined) ?? defaultRootDir), DEFAULT_FOLDER)
}

/** A path below a folder; the folder may be empty. */
export function joined(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}

/** Names in a folder of the run; empty where there is no folder, and where files cannot be listed. */
export async function filesIn(trainer: Trainer, folder: string): Promise<string[]> {
  return (await trainer.files.list?.(folder)) ?? []
}

/** Whether a file is there. */
export async function isThere(trainer: Trainer, path: string): Promise<boolean> {
  const cut = path.lastIndexOf('/')
  const names = await filesIn(trainer, path.slice(0, Math.max(0, cut)))
  return names.includes(path.slice(cut + 1))
}

/** Makes `path` a link to `target`, or a copy of it where there are no links, which a line says. On rank 0. */
export async function linkOrCopy(files: RunFiles, path: string, target: string): Promise<void> {
  try {
    if (files.link) return await files.link(path, target)
    console.info(`${path} is a copy of ${target}: the files of this run have no links.`)
  } catch (error) {
    console.info(`${path} is a copy of ${target}: it could not be made a link (${String(error)}).`)
  }
  await files.write(path, await files.read(target))
}

/**
 * Writes a checkpoint without asking the other ranks, which may be gone; on rank 0. Only this rank's random state is at
 * hand: another rank's generator goes on from its seed.
 */
export async function saveAlone(
  trainer: Trainer,
  module: RondoModule,
  path: string,
  weightsOnly = false,
): Promise<void> {
  const state = await captureCheckpoint(trainer, module, { optimizers: !weightsOnly, ranks: [rankProgress(trainer)] })
  await trainer.files.write(path, encodeCheckpoint(state, weightsOnly))
}

function trimmed(folder: string): string {
  return folder.replace(/\/+$/, '')
}

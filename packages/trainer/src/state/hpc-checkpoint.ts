/**
 * `ckptPath: "hpc"`: the checkpoint with the highest number among `hpc_ckpt_N.ckpt`, which a cluster's scheduler has
 * written before a job was taken off. Semantics: Lightning's. Not for: writing them.
 */
import { RondoError } from '@rondo/protocol'
import type { Trainer } from '../trainer.ts'

const NAME = /^hpc_ckpt_(\d+)\.ckpt$/

/** @throws BAD_FILE when there is none */
export async function hpcCheckpoint({ files, resolved }: Pick<Trainer, 'files' | 'resolved'>): Promise<string> {
  const folder = resolved.defaultRootDir === '' ? '' : `${resolved.defaultRootDir}/`
  const highest = files.list
    ? highestListed(await files.list(resolved.defaultRootDir))
    : await highestFound(files, folder)
  if (highest > 0) return `${folder}hpc_ckpt_${highest}.ckpt`
  throw new RondoError(
    'BAD_FILE',
    `trainer.fit(…, { ckptPath: "hpc" }): there is no ${folder}hpc_ckpt_N.ckpt. Allowed are "hpc" where one was saved, "last", "best" and a path. Save one with trainer.saveCheckpoint("${folder}hpc_ckpt_1.ckpt"), or give a path.`,
  )
}

function highestListed(names: readonly string[]): number {
  const numbers = names.map((name) => Number(NAME.exec(name)?.[1] ?? 0))
  return Math.max(0, ...numbers)
}

/** Where files cannot be listed: they are numbered without a gap, from 1. */
async function highestFound(files: Trainer['files'], folder: string): Promise<number> {
  for (let number = 1; ; number++) {
    try {
      await files.read(`${folder}hpc_ckpt_${number}.ckpt`)
    } catch {
      return number - 1
    }
  }
}

/**
 * `rondo consolidate FOLDER`: joins a sharded checkpoint into one file, which `fabric.load` reads like any other. Not
 * for: the folder's format (fabric's checkpoint/sharded-format.ts).
 */
import { randomUUID } from 'node:crypto'
import { link, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { decodeSafetensors, encodeSafetensors } from '@rondo/engine/safetensors'
import { joinShards, META_FILE, parseMeta } from '@rondo/fabric/sharded-format'
import { RondoError } from '@rondo/protocol'
import { CONSOLIDATE_FLAGS } from '../args/flags.ts'
import { splitArguments } from '../args/split.ts'

/** @returns the exit code. Errors: BAD_ARGUMENT for the words, an existing target or a folder that is no sharded checkpoint; BAD_FILE for one that is damaged. */
export async function consolidateCommand(words: readonly string[]): Promise<number> {
  const { values, script: given, scriptArgs } = splitArguments(words, CONSOLIDATE_FLAGS)
  if (given === undefined) throw usage('no FOLDER was given')
  if (scriptArgs.length > 0) throw usage(`${scriptArgs.join(' ')} is one word too many`)
  const folder = given.replace(/(?<=.)\/+$/, '')
  const target = String(values.get('output-file') ?? `${folder}.consolidated`)
  const { tensors, bytes } = await consolidate(folder, target)
  console.log(`Joined ${tensors} tensors of ${folder} into ${target} (${(bytes / 1e6).toFixed(1)} MB).`)
  return 0
}

/** Writes `target` whole or not at all, and never over a file that is there. */
async function consolidate(folder: string, target: string): Promise<{ tensors: number; bytes: number }> {
  if (await exists(target)) throw taken(target)
  const meta = parseMeta(folder, await readMeta(folder))
  const whole = await joinShards(folder, meta, async (file) =>
    decodeSafetensors(await readShard(folder, file), join(folder, file)),
  )
  const bytes = encodeSafetensors(whole.tensors, whole.metadata)
  const draft = join(dirname(resolve(target)), `.consolidate-${randomUUID()}`)
  try {
    await writeFile(draft, bytes, { flag: 'wx' })
    // A link, unlike a rename, does not replace what somebody else put there meanwhile.
    await link(draft, target)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw taken(target)
    throw new RondoError(
      'STORAGE_FAILED',
      `${target} could not be written: ${(cause as Error).message}. Choose a folder that exists and has room, with --output-file FILE.`,
      { cause },
    )
  } finally {
    await rm(draft, { force: true })
  }
  return { tensors: whole.tensors.length, bytes: bytes.byteLength }
}

async function readMeta(folder: string): Promise<string> {
  const text = await readFile(join(folder, META_FILE), 'utf8').catch(() => null)
  if (text !== null) return text
  const found = await stat(folder).catch(() => null)
  const what = found === null ? 'is not there' : found.isDirectory() ? `has no ${META_FILE}` : 'is a file'
  throw new RondoError(
    'BAD_ARGUMENT',
    `rondo consolidate ${folder}: ${folder} ${what}, so it is no sharded checkpoint. Allowed is a folder that fabric.save(path, state, { sharded: true }) wrote. ${found?.isFile() ? 'One file needs no consolidating: load it as it is.' : 'Look in runs/<id>/ for it.'}`,
  )
}

async function readShard(folder: string, file: string): Promise<Uint8Array> {
  try {
    return await readFile(join(folder, file))
  } catch (cause) {
    throw new RondoError(
      'BAD_FILE',
      `${folder}: its shard ${file} cannot be read: ${(cause as Error).message}. Allowed is a folder with all of its shards. Copy the whole folder.`,
      { cause },
    )
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null
}

function taken(target: string): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `rondo consolidate: ${target} is there already, and nothing is replaced. Allowed is a name that is free. Remove it, or choose another with --output-file FILE.`,
  )
}

function usage(problem: string): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `rondo consolidate: ${problem}. Allowed is rondo consolidate FOLDER [--output-file FILE]. Write rondo consolidate --help for an example.`,
  )
}

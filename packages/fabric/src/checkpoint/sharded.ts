/**
 * Checkpoints as a folder with one shard a rank: every rank writes its slice of each tensor, rank 0 the index at last.
 * Reads them too, at any world size. Not for: the format (sharded-format.ts).
 */
import { decodeSafetensors, encodeSafetensors, type NamedTensor, typeOfArray } from '@rondo/engine/safetensors'
import { RondoError } from '@rondo/protocol'
import { type CheckpointContent, SafetensorsIO } from './checkpoint-io.ts'
import type { CheckpointHost } from './host.ts'
import { parsePlace } from './place.ts'
import { onRankZero } from './rank-zero.ts'
import { joinShards, META_FILE, metaOf, parseMeta, SHARD_ID_KEY, shardFile, sliceOf } from './sharded-format.ts'

/**
 * Collective. Each rank gives the whole content (replicas are equal) and writes its own part of it.
 * Errors: BAD_ARGUMENT for a path that is no folder of the run's, CONFLICT with a CheckpointIO of one's own.
 */
export async function saveSharded(context: CheckpointHost, path: string, content: CheckpointContent): Promise<void> {
  const { group, files, signal } = context
  checkFolder(context, path)
  const id = await onRankZero(context, `save ${path} in shards`, async () => newId())
  const described = content.tensors.map(({ name, shape, data, dtype = typeOfArray(data) }) => ({
    name,
    shape: [...shape],
    dtype,
  }))
  const meta = metaOf(content, described, group.worldSize, id)
  const mine = content.tensors.flatMap((tensor): NamedTensor[] => {
    const [begin, end] = sliceOf(tensor.data.length, group.rank, group.worldSize)
    return begin === end ? [] : [{ ...tensor, shape: [end - begin], data: tensor.data.slice(begin, end) }]
  })
  const failure = await files
    .write(`${path}/${shardFile(group.rank, id)}`, encodeSafetensors(mine, { [SHARD_ID_KEY]: id }))
    .then(
      () => null,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    )
  const failures = await group.allGatherObject(failure, { name: `shards of ${path}`, signal })
  const failed = failures.findIndex((problem) => problem !== null)
  if (failed >= 0) {
    throw new RondoError(
      'STORAGE_FAILED',
      `save(${JSON.stringify(path)}, state, { sharded: true }): rank ${failed} could not write its shard: ${failures[failed]} What was saved there before is still whole. Make room or choose another path.`,
      { rank: failed },
    )
  }
  await onRankZero(context, `index of ${path}`, async () => {
    await files.write(`${path}/${META_FILE}`, new TextEncoder().encode(`${JSON.stringify(meta)}\n`))
    return null
  })
}

function checkFolder(context: CheckpointHost, path: string): void {
  const { scheme, name } = parsePlace(path)
  if (scheme !== null || name.split('/').length > 5) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `save(${JSON.stringify(path)}, state, { sharded: true }): ranks on several machines need one folder. Allowed is a plain path of at most 5 pieces, in the run's folder. Leave ${scheme ?? 'some pieces'} away, or sharded.`,
    )
  }
  if (!(context.checkpointIO instanceof SafetensorsIO)) {
    throw new RondoError(
      'CONFLICT',
      `save(${JSON.stringify(path)}, state, { sharded: true }) with ${context.checkpointIO.constructor.name} as CheckpointIO: a plugin stores whole checkpoints. Leave out one of the two.`,
    )
  }
}

/** The checkpoint at `path`, whether a file or a folder of shards. On one rank; it holds all of it. */
export async function loadContent(context: CheckpointHost, path: string): Promise<CheckpointContent> {
  const { checkpointIO, files } = context
  if (!(checkpointIO instanceof SafetensorsIO) || parsePlace(path).scheme !== null) {
    return checkpointIO.loadCheckpoint(path)
  }
  try {
    return await checkpointIO.loadCheckpoint(path)
  } catch (error) {
    const meta = await files.read(`${path}/${META_FILE}`).catch(() => null)
    if (meta === null) throw error
    return joinShards(path, parseMeta(path, new TextDecoder().decode(meta)), async (file) =>
      decodeSafetensors(await files.read(`${path}/${file}`), `${path}/${file}`),
    )
  }
}

/** Eight hexadecimal digits: enough to tell the saves of one folder apart. */
function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(4)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

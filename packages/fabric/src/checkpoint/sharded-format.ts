/**
 * The folder format of checkpoints whose tensors are spread over ranks, and how such a folder becomes one checkpoint
 * again (docs/checkpoints.md). Knows no tfjs and no ranks, so that the command line reads it too.
 *
 * `meta.json` names every tensor with dtype, shape and slices [rank, begin, end) of its flattened elements;
 * `shard-<rank>-<id>.safetensors` has rank's slices as flat tensors. meta.json is written last and the id is new with
 * each save, so a folder always holds one whole checkpoint, the old one or the new one.
 */
import {
  type NamedTensor,
  type NumericArray,
  SAFETENSORS_TYPES,
  type SafetensorsContent,
} from '@rondo/engine/safetensors'
import { RondoError } from '@rondo/protocol'
import * as v from 'valibot'

export const META_FILE = 'meta.json'
const FORMAT = 'rondo-sharded-checkpoint'
/** Newest layout that this version reads. */
const VERSION = 1
/** Metadata of a shard: the id of its save. */
export const SHARD_ID_KEY = 'rondo.shard'
/** As many ranks as a session admits. */
const MAX_SHARDS = 256

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const metaSchema = v.object({
  format: v.literal(FORMAT),
  version: v.pipe(v.number(), v.integer(), v.minValue(1)),
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{8}$/)),
  worldSize: v.pipe(count, v.minValue(1), v.maxValue(MAX_SHARDS)),
  metadata: v.record(v.string(), v.string()),
  tensors: v.array(
    v.object({
      name: v.string(),
      dtype: v.picklist(SAFETENSORS_TYPES),
      shape: v.array(count),
      slices: v.array(v.tuple([count, count, count])),
    }),
  ),
})

export type ShardedMeta = v.InferOutput<typeof metaSchema>
export type TensorMeta = ShardedMeta['tensors'][number]

export function shardFile(rank: number, id: string): string {
  return `shard-${rank}-${id}.safetensors`
}

/** Rank r's elements of a tensor with `size`: [⌊r·size/R⌋, ⌊(r+1)·size/R⌋), as chunks of a ring. */
export function sliceOf(size: number, rank: number, worldSize: number): [begin: number, end: number] {
  return [Math.floor((rank * size) / worldSize), Math.floor(((rank + 1) * size) / worldSize)]
}

/** Describes a checkpoint that `worldSize` ranks hold slices of. */
export function metaOf(
  { metadata }: Pick<SafetensorsContent, 'metadata'>,
  tensors: ReadonlyArray<Omit<TensorMeta, 'slices'>>,
  worldSize: number,
  id: string,
): ShardedMeta {
  const sliced = tensors.map((tensor): TensorMeta => {
    const slices = Array.from({ length: worldSize }, (_, rank) => [rank, ...sliceOf(sizeOf(tensor), rank, worldSize)])
    return { ...tensor, slices: slices.filter(([, begin, end]) => begin !== end) as TensorMeta['slices'] }
  })
  return { format: FORMAT, version: VERSION, id, worldSize, metadata, tensors: sliced }
}

/** @throws BAD_FILE when the text is no meta.json of a version that is known */
export function parseMeta(path: string, text: string): ShardedMeta {
  let json: unknown = null
  try {
    json = JSON.parse(text)
  } catch {
    // Said below, as of any other damage.
  }
  const parsed = v.safeParse(metaSchema, json)
  if (!parsed.success) {
    const [issue] = parsed.issues
    const at = issue?.path?.map(({ key }) => String(key)).join('.') ?? 'the file'
    throw bad(path, `${META_FILE} is not that of a sharded checkpoint (${at}: ${issue?.message ?? 'no JSON'})`)
  }
  const meta = parsed.output
  if (meta.version > VERSION) {
    throw bad(path, `it has layout ${meta.version}, and this version of Rondo reads up to ${VERSION}`)
  }
  for (const tensor of meta.tensors) checkSlices(path, tensor, meta.worldSize)
  return meta
}

/** Slices must follow one another and cover the tensor exactly. */
function checkSlices(path: string, tensor: TensorMeta, worldSize: number): void {
  let covered = 0
  for (const [rank, begin, end] of tensor.slices) {
    if (rank >= worldSize || begin !== covered || end <= begin) {
      throw bad(path, `the slices of ${tensor.name} overlap, leave a gap or name a rank that is none`)
    }
    covered = end
  }
  if (covered !== sizeOf(tensor)) {
    throw bad(path, `the slices of ${tensor.name} cover ${covered} of its ${sizeOf(tensor)} elements`)
  }
}

/**
 * One checkpoint from its shards, each read once, one after the other.
 * @param readShard gives the content of a shard by its file name
 * @throws BAD_FILE when a shard is of another save or lacks a slice
 */
export async function joinShards(
  path: string,
  meta: ShardedMeta,
  readShard: (file: string) => Promise<SafetensorsContent>,
): Promise<SafetensorsContent> {
  const whole = new Map<string, NamedTensor>()
  for (let rank = 0; rank < meta.worldSize; rank++) {
    const own = meta.tensors.filter(({ slices }) => slices.some(([owner]) => owner === rank))
    if (own.length === 0) continue
    const file = shardFile(rank, meta.id)
    const shard = await readShard(file)
    if (shard.metadata[SHARD_ID_KEY] !== meta.id) throw bad(path, `${file} belongs to another save than ${META_FILE}`)
    const parts = new Map(shard.tensors.map((tensor) => [tensor.name, tensor]))
    for (const tensor of own) place(path, file, rank, tensor, parts.get(tensor.name), whole)
  }
  const tensors = meta.tensors.map(
    (tensor) =>
      whole.get(tensor.name) ?? { name: tensor.name, shape: tensor.shape, dtype: tensor.dtype, data: empty() },
  )
  return { tensors, metadata: meta.metadata }
}

function place(
  path: string,
  file: string,
  rank: number,
  tensor: TensorMeta,
  part: NamedTensor | undefined,
  whole: Map<string, NamedTensor>,
): void {
  const slices = tensor.slices.filter(([owner]) => owner === rank)
  const length = slices.reduce((sum, [, begin, end]) => sum + end - begin, 0)
  if (part === undefined || part.data.length !== length || part.dtype !== tensor.dtype) {
    throw bad(path, `${file} has not the ${length} elements of ${tensor.name} that ${META_FILE} says`)
  }
  const { data } = part
  const target =
    whole.get(tensor.name)?.data ?? new (data.constructor as new (length: number) => NumericArray)(sizeOf(tensor))
  let at = 0
  for (const [, begin, end] of slices) {
    target.set(data.subarray(at, at + end - begin) as never, begin)
    at += end - begin
  }
  whole.set(tensor.name, { name: tensor.name, shape: tensor.shape, dtype: tensor.dtype, data: target })
}

function sizeOf({ shape }: { shape: readonly number[] }): number {
  return shape.reduce((product, extent) => product * extent, 1)
}

function empty(): Float32Array {
  return new Float32Array(0)
}

function bad(path: string, problem: string): RondoError {
  return new RondoError(
    'BAD_FILE',
    `${path}: ${problem}. Allowed is a folder that fabric.save(path, state, { sharded: true }) wrote, with all of its shards. Save it again, or copy the whole folder.`,
  )
}

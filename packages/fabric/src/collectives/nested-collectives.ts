/** `allReduce` and `allGather` over nested data, one collective a leaf. Not for: walking the data (nested.ts). */
import { type OperationOptions, type ProcessGroup, REDUCE_OPS, type ReduceOp } from '@rondo/collectives'
import { RondoError } from '@rondo/protocol'
import { mapLeaves, rebuild, toTensor } from './nested.ts'

/** New data of the same form; every rank gets the same values. */
export async function reduceLeaves<T>(
  group: ProcessGroup,
  data: T,
  op: ReduceOp,
  { name = 'allReduce', signal }: OperationOptions,
): Promise<T> {
  // Also where there is no leaf to refuse it.
  if (!REDUCE_OPS.includes(op)) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `allReduce: op is ${JSON.stringify(op) ?? String(op)}. Known are ${REDUCE_OPS.join(', ')}. Choose one of these.`,
    )
  }
  return (await mapLeaves(data, async (leaf, place) => {
    const reduced = await group.allReduce(leaf.values, { op, name: `${name} ${place}`, signal })
    return rebuild(leaf, reduced, leaf.shape)
  })) as T
}

/**
 * Each leaf with all ranks' values, shape [worldSize, ...shape]; a world of one adds no axis. Numbers become tensors,
 * typed arrays stand one after the other.
 */
export function gatherLeaves(
  group: ProcessGroup,
  data: unknown,
  { name = 'allGather', signal }: OperationOptions,
): Promise<unknown> {
  return mapLeaves(data, async (leaf, place) => {
    const { values, shape, kind } = leaf
    const all = await group.allGather(values, { name: `${name} ${place}`, signal })
    if (kind === 'array') return all
    return toTensor(all, group.worldSize === 1 ? shape : [group.worldSize, ...shape])
  })
}

/** `allReduce` and `allGather` over nested data, one collective a leaf. Not for: walking the data (nested.ts). */
import { type OperationOptions, type ProcessGroup, REDUCE_OPS, type ReduceOp } from '@rondo/collectives'
import { type AsyncRecording, recordAcross, type tf } from '@rondo/engine'
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
 * typed arrays stand one after the other. With `syncGrads` float tensors stay part of the loss that is being computed.
 */
export function gatherLeaves(
  group: ProcessGroup,
  data: unknown,
  { name = 'allGather', signal }: OperationOptions,
  syncGrads = false,
  recording: AsyncRecording | null = null,
): Promise<unknown> {
  return mapLeaves(data, async ({ values, shape, kind, tensor }, place) => {
    const alone = group.worldSize === 1
    const differentiable = syncGrads && tensor?.dtype === 'float32' ? tensor : null
    if (alone && differentiable) return recording ? recording.run(() => differentiable.clone()) : differentiable.clone()
    const all = await group.allGather(values, { name: `${name} ${place}`, signal })
    if (kind === 'array') return all
    const gathered = [group.worldSize, ...shape]
    if (differentiable === null || recording === null) return toTensor(all, alone ? shape : gathered)
    // Every rank's loss depends on this rank's part (torch.distributed.nn's all_gather).
    const back = async (dy: tf.Tensor): Promise<tf.Tensor> => {
      const summed = await group.allReduce((await dy.data()) as Float32Array, {
        op: 'sum',
        name: `${name} gradient ${place}`,
        signal,
      })
      return toTensor(summed.slice(group.rank * values.length, (group.rank + 1) * values.length), shape)
    }
    return recording.run(() => recordAcross(differentiable, toTensor(all, gathered), back))
  })
}

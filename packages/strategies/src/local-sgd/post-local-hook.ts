/**
 * post_localSGD's half that is a communication hook: gradients are averaged over all ranks until the start, then
 * inside each node only (PyTorch's post_localSGD_hook; Lin et al. 2020). Not for: averaging the weights
 * (post-local-replica.ts).
 */
import type { CommHook } from '../ddp/hooks/comm-hook.ts'
import { checkOptions, wholeNumber } from '../options.ts'
import { nodeSum } from './node-sum.ts'

export interface PostLocalSGDState {
  /** Steps with averages over all ranks before nodes go their own ways; PyTorch's default. */
  startLocalSGDIter: number
}

export function postLocalSGDState(given: Partial<PostLocalSGDState>): PostLocalSGDState {
  checkOptions('post_localSGD', given, { startLocalSGDIter: wholeNumber(0) })
  return { startLocalSGDIter: given.startLocalSGDIter ?? 100 }
}

export function postLocalSGDHook({ startLocalSGDIter }: PostLocalSGDState): CommHook {
  return {
    name: 'post_localSGD',
    wire: `f32 for ${startLocalSGDIter} steps, then inside each node`,
    overlaps: false,
    async reduce({ index, values }, { allReduce, group, nodeRanks, signal, step, weight }) {
      if (step < startLocalSGDIter) return allReduce(values, `gradients ${index}`)
      const message = new Float32Array(values.length + 1)
      message.set(values)
      message[values.length] = weight
      await nodeSum(message, group, nodeRanks, { name: `gradients ${index}`, signal })
      const total = message[values.length] as number
      return message.subarray(0, values.length).map((value) => (total > 0 ? value / total : 0))
    },
  }
}

/**
 * Backward whose late layers' buckets travel while early layers are still computed (Li et al. 2020, "PyTorch
 * Distributed", §3.2.3). Where kernels run in this thread, it gives way now and then, so that frames are taken and
 * sent on. Not for: what travels (bucket-exchange.ts); the plain way, whose bits it has, is in replica.ts.
 */
import { computesOnHost, type GradientBuckets, type Parameter, SteppedBackward, tf } from '@rondo/engine'
import type { BucketExchange } from './bucket-exchange.ts'
import { type LocalGradients, weightedSum } from './local-gradients.ts'
import type { StepClock } from './step-clock.ts'
import { turn } from './turn.ts'

/** Milliseconds of computing between two turns for frames, while buckets are on their way. */
const TURN_INTERVAL_MS = 2

export interface OverlappedBackward {
  lossFn: () => unknown
  parameters: readonly Parameter[]
  findUnused: boolean
  /** n of this call. */
  weight: number
  /** What earlier calls added and nobody sent; it travels with this one. */
  local: LocalGradients
  buckets: GradientBuckets
  clock: StepClock
  /** Begins the synchronisation, when the forward is done and nothing can be refused any more. */
  begin: (weight: number, used: Uint8Array) => BucketExchange
}

/** Resolves when all gradients are computed and their buckets handed to the exchange. */
export async function overlappedBackward(
  plan: OverlappedBackward,
): Promise<{ loss: number; exchange: BucketExchange }> {
  const { clock, buckets, local } = plan
  let computed = clock.enter('compute', 'forward')
  let backward: SteppedBackward
  try {
    backward = new SteppedBackward(plan.lossFn, plan.parameters, { findUnused: plan.findUnused })
  } finally {
    computed()
  }
  local.note(plan.weight, backward.unused, plan.parameters.length)
  const { gradients: earlier, scale: earlierScale, weight, used } = local.take()
  const scale = earlier.length > 0 ? 1 : plan.weight
  const exchange = plan.begin(weight, used)

  const gradients: Array<tf.Tensor | undefined> = [...earlier]
  const bucketOf = new Map(buckets.plan.flatMap((slots, k) => slots.map(({ index }) => [index, k] as const)))
  const missing = buckets.plan.map((slots) => slots.length)
  const inThisThread = computesOnHost()
  let sent = 0
  const began = performance.now()
  let turned = began
  computed = clock.enter('compute', null)
  try {
    while (!backward.done) {
      for (const [index, gradient] of backward.next()) {
        const before = earlier[index]
        gradients[index] = before ? weightedSum(before, earlierScale, gradient, plan.weight) : gradient
        missing[bucketOf.get(index) as number]! -= 1
      }
      const until = sent
      while (sent < missing.length && missing[sent] === 0) {
        // A failure of it is a failure of all that follow, and finish() tells it.
        exchange.send(sent, buckets.flattenBucket(sent, gradients, scale)).catch(() => {})
        sent += 1
      }
      if (sent === until && !(exchange.busy && performance.now() - turned > TURN_INTERVAL_MS)) continue
      if (inThisThread) computed()
      await clock.turn(turn)
      turned = performance.now()
      if (inThisThread) computed = clock.enter('compute', null)
    }
    return { loss: await backward.loss, exchange }
  } catch (error) {
    backward.dispose()
    tf.dispose(gradients.filter((gradient) => gradient !== undefined))
    throw error
  } finally {
    computed()
    clock.mark('compute', 'backward', began)
  }
}

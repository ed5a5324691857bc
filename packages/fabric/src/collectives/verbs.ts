/**
 * The collectives of a Fabric: among which ranks, timed, and passed to the process group. Every rank must call them, in
 * the same order. Not for: walking nested data.
 */
import type { ReduceOp } from '@rondo/collectives'
import type { AsyncRecording } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { RankContext } from '../context.ts'
import { packTensors, unpackTensors } from './cloneable.ts'
import { groupOf, type RankGroup } from './groups.ts'
import { gatherLeaves, reduceLeaves } from './nested-collectives.ts'

export interface CollectiveOptions {
  /** Some of the ranks (`collectives.newGroup`); default: all. */
  group?: RankGroup
  /** Shown in errors and the flight recorder; equal on all ranks. */
  name?: string
}

export interface AllReduceOptions extends CollectiveOptions {
  /** `mean` (= `avg`, the default), `sum`, `min`, `max` or `product`. Integers have no mean. */
  op?: ReduceOp
}

export interface AllGatherOptions extends CollectiveOptions {
  /**
   * Lets the gradient flow back to every rank, summed over the ranks' losses. For an asynchronous loss:
   * `fabric.backward(async () => { const all = await fabric.allGather(z, { syncGrads: true }) … })`.
   */
  syncGrads?: boolean
}

export interface BroadcastOptions extends CollectiveOptions {
  /** Who gives, as the group numbers its ranks; default 0. */
  src?: number
}

/** New data of the same form, the reduction over the ranks; the same bits on all. */
export function allReduceData<T>(context: RankContext, data: T, options: AllReduceOptions = {}): Promise<T> {
  const group = groupOf('allReduce', context, options.group)
  const { signal } = context
  return context.during('communication', "script's all-reduce", () =>
    reduceLeaves(group, data, options.op ?? 'mean', { name: options.name, signal }),
  )
}

/** Each leaf of shape [ranks, ...shape]; one rank adds no axis. Throws COLLECTIVE_MISMATCH for unequal shapes. */
export function allGatherData(
  context: RankContext,
  data: unknown,
  options: AllGatherOptions = {},
  recording: AsyncRecording | null = null,
): Promise<unknown> {
  const group = groupOf('allGather', context, options.group)
  const { signal } = context
  return context.during('communication', "script's all-gather", () =>
    gatherLeaves(group, data, { name: options.name, signal }, options.syncGrads === true, recording),
  )
}

/** Rank `src`'s value on every rank: what the object codec carries, and tensors inside arrays and plain objects. */
export function broadcastValue<T>(context: RankContext, value: T, options: BroadcastOptions = {}): Promise<T> {
  const group = groupOf('broadcast', context, options.group)
  const src = options.src ?? 0
  const { signal } = context
  return context.during('communication', "script's broadcast", async () => {
    const packed = group.rank === src ? await packTensors(value) : null
    const got = await group.broadcastObject(packed, { src, name: options.name, signal })
    return group.rank === src ? value : ((await unpackTensors(got)) as T)
  })
}

/** Returns when every rank has arrived; one that does not is named when the step time-out is over. */
export async function passBarrier(
  context: RankContext,
  name = 'barrier',
  options: { group?: RankGroup; timeoutMs?: number } = {},
): Promise<void> {
  const group = groupOf('barrier', context, options.group)
  const { signal } = context
  await context.during('barrier', name, () => group.barrier(name, { signal, timeoutMs: options.timeoutMs }))
}

/**
 * Rank 0, of the run or of each node, runs `fn` first; then all others do, having waited as long as it took. When it
 * fails there, no rank runs on: all reject.
 */
export async function firstOnRankZero<T>(
  context: RankContext,
  fn: () => T | Promise<T>,
  { local = false }: { local?: boolean } = {},
): Promise<T> {
  const { group, signal } = context
  if (group.worldSize === 1) return fn()
  const leads = local ? context.localRank === 0 : group.rank === 0
  let failure: unknown = null
  let result: T | undefined
  if (leads) {
    try {
      result = await fn()
    } catch (error) {
      failure = error ?? new Error('rankZeroFirst failed')
    }
  }
  const told = failure === null ? '' : failure instanceof Error ? failure.message : String(failure)
  const name = 'rankZeroFirst'
  const all = await group.allGatherObject({ failed: failure !== null, told }, { name, signal, timeoutMs: Infinity })
  if (failure !== null) throw failure
  const first = all.findIndex(({ failed }) => failed)
  if (first >= 0) {
    throw new RondoError('RANK_FAILED', `rankZeroFirst: rank ${first} failed: ${all[first]?.told}`, { rank: first })
  }
  return leads ? (result as T) : fn()
}

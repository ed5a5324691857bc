/**
 * `collectives`: the operations of torch.distributed by themselves, for scripts in that style and for those that Fabric
 * has no verb for. Each works on the world that `env` describes. Not for: nested data in the array operations.
 */
import type { NumericArray, ProcessGroup, ReduceOp } from '@rondo/collectives'
import { tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import { currentRankContext } from '../context.ts'
import { withRank } from '../rank-of-refusal.ts'
import { groupOf, makeGroup, type RankGroup } from './groups.ts'
import { type InitOptions, joinWorld, requireWorld } from './init-process-group.ts'
import { toTensor } from './nested.ts'
import {
  type AllReduceOptions,
  allGatherData,
  allReduceData,
  type BroadcastOptions,
  broadcastValue,
  type CollectiveOptions,
  passBarrier,
} from './verbs.ts'

/** A typed array or a tensor; what comes back is of the same kind. */
export type ArrayData = NumericArray | tf.Tensor

interface Peer extends CollectiveOptions {
  /** The other rank, as the group numbers it. */
  rank: number
}

/** torch.distributed's functions, on the world that `env` describes; `sum` is the default operation. */
export const collectives = {
  /** Joins the world that `env` describes; called again it does nothing. UNSUPPORTED where no run has set it. */
  initProcessGroup: (options: InitOptions = {}): Promise<void> => joinWorld(currentRankContext(), options),
  /** Accepted without effect: a rank has one device. */
  setDevice(_device: number | string): void {},
  /** Whether this is a rank of a run. */
  isInitialized: (): boolean => currentRankContext().config !== null,
  /** This rank's number in the world, or in `group`. */
  getRank: (group?: RankGroup): number => groupOf('getRank', currentRankContext(), group).rank,
  /** Ranks of the world, or of `group`. */
  getWorldSize: (group?: RankGroup): number => groupOf('getWorldSize', currentRankContext(), group).worldSize,
  /** Collective: a group of some ranks, for the option `group`. All ranks call it, with the same list. */
  newGroup: (ranks: readonly number[]): Promise<RankGroup> => run((context) => makeGroup(context, ranks)),
  /** Resolves when all ranks are here; past the deadline those that are missing are named. */
  barrier: (name?: string, options: { group?: RankGroup; timeoutMs?: number } = {}): Promise<void> =>
    run((context) => passBarrier(context, name, options)),
  /** As `fabric.allReduce`, but with `sum` as in torch. */
  allReduce: <T>(data: T, options: AllReduceOptions = {}): Promise<T> =>
    run((context) => allReduceData(context, data, { op: 'sum', ...options })),
  /** As `fabric.allGather`. */
  allGather: (data: unknown, options: CollectiveOptions = {}): Promise<unknown> =>
    run((context) => allGatherData(context, data, options)),
  /** As `fabric.broadcast`. */
  broadcast: <T>(value: T, options: BroadcastOptions = {}): Promise<T> =>
    run((context) => broadcastValue(context, value, options)),

  /** Part `rank` of the reduction: of L entries along the first axis, ⌊rank·L/R⌋ to ⌊(rank+1)·L/R⌋. */
  reduceScatter: <T extends ArrayData>(data: T, options: CollectiveOptions & { op?: ReduceOp } = {}): Promise<T> =>
    onArrays('reduceScatter', options, data, (group, x, shape, rest) => {
      const [length = 1, ...inner] = shape
      if (inner.length > 0 && length % group.worldSize !== 0) {
        throw uneven('reduceScatter', length, group.worldSize)
      }
      return group.reduceScatter(x, { op: options.op ?? 'sum', ...rest })
    }),

  /** Part r of the first axis goes to rank r; part r of the result came from rank r. */
  allToAll: <T extends ArrayData>(data: T, options: CollectiveOptions = {}): Promise<T> =>
    onArrays('allToAll', options, data, (group, x, [length = 1], rest) => {
      if (length % group.worldSize !== 0) throw uneven('allToAll', length, group.worldSize)
      return group.allToAll(x, rest)
    }),

  /** All ranks' arrays of one length, one after the other, on rank `dst` (default 0); null elsewhere. */
  gather: <T extends ArrayData>(data: T, options: CollectiveOptions & { dst?: number } = {}): Promise<T | null> =>
    onArrays('gather', options, data, (group, x, _, rest) => group.gather(x, { dst: options.dst ?? 0, ...rest })),

  /** Fills with this rank's part of `values`, which rank `src` (default 0) has: as much as `into`, for each rank. */
  scatter: <T extends NumericArray>(into: T, options: BroadcastOptions & { values?: T } = {}): Promise<T> =>
    run((context) => {
      const group = groupOf('scatter', context, options.group)
      const { values, src = 0, name } = options
      return group.scatter(into, { src, name, signal: context.signal, ...(values === undefined ? {} : { values }) })
    }),

  /** To one rank, which must `recv` the same type and length. */
  send: (data: ArrayData, { rank, ...options }: Peer): Promise<void> =>
    run(async (context) => {
      const group = groupOf('send', context, options.group)
      const x = data instanceof tf.Tensor ? ((await data.data()) as NumericArray) : data
      await group.send(x, { to: rank, name: options.name, signal: context.signal })
    }),

  /** Fills `into` with the next array that `rank` sends, and returns it. */
  recv: <T extends NumericArray>(into: T, { rank, ...options }: Peer): Promise<T> =>
    run((context) => {
      const group = groupOf('recv', context, options.group)
      return group.recv(into, { from: rank, name: options.name, signal: context.signal })
    }),
}

function run<T>(verb: (context: ReturnType<typeof currentRankContext>) => Promise<T>): Promise<T> {
  const context = currentRankContext()
  return withRank(context, () => {
    requireWorld(context)
    return verb(context)
  })
}

type Rest = { name: string | undefined; signal: AbortSignal }

/** Runs an operation on a tensor's values and makes a tensor of what comes back; its first axis may be another. */
function onArrays<T extends ArrayData, R extends NumericArray | null>(
  call: string,
  options: CollectiveOptions,
  data: T,
  operation: (group: ProcessGroup, x: NumericArray, shape: readonly number[], rest: Rest) => Promise<R>,
): Promise<T> {
  return run(async (context) => {
    const group = groupOf(call, context, options.group)
    const isTensor = data instanceof tf.Tensor
    const shape = isTensor ? data.shape : [(data as NumericArray).length]
    const x = (isTensor ? await data.data() : data) as NumericArray
    const name = `${options.name ?? call} [${shape.join(', ')}]`
    const result = await operation(group, x, shape, { name, signal: context.signal })
    if (result === null || !isTensor) return result as unknown as T
    const inner = shape.slice(1)
    const perEntry = inner.reduce((product, extent) => product * extent, 1)
    const length = perEntry === 0 ? 0 : result.length / perEntry
    return toTensor(result as Float32Array, [length, ...inner]) as unknown as T
  })
}

function uneven(call: string, length: number, ranks: number): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `${call}: the first axis has ${length} entries for ${ranks} ranks. Allowed are multiples of ${ranks}. Pad it.`,
  )
}

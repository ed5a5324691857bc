/**
 * Which algorithm an operation takes: the one that the α–β model (Hockney, 1994) says is fastest. All ranks
 * decide alike because all hold the same two numbers. Not for: measuring them (warm-up.ts).
 */

export interface CostModel {
  /** Milliseconds from handing a small message to a link until its handler runs at the other end. */
  readonly latencyMs: number
  /** Bytes per second that one rank sends while all ranks send. */
  readonly bytesPerSecond: number
}

export const ALL_REDUCE_ALGORITHMS = ['auto', 'ring', 'mesh', 'direct'] as const
export type AllReduceAlgorithm = Exclude<(typeof ALL_REDUCE_ALGORITHMS)[number], 'auto'>
export type BroadcastAlgorithm = 'star' | 'chain'

/** Ranks. Beyond this, all links at once cost more memory and interrupts than the saved steps are worth. */
const MAX_ALL_LINKS_RANKS = 64

/** What an algorithm takes: rounds of messages that need each other, and bytes that the busiest rank sends. */
export interface Cost {
  readonly steps: number
  readonly bytes: number
}

/**
 * direct: everyone sends all it has to everyone, and all reduce alike. mesh: everyone sends chunk r to rank r,
 * which reduces it and sends it to everyone. ring: reduce-scatter and all-gather among neighbours.
 */
export function allReduceCost(algorithm: AllReduceAlgorithm, bytes: number, ranks: number): Cost {
  switch (algorithm) {
    case 'direct':
      return { steps: 1, bytes: (ranks - 1) * bytes }
    case 'mesh':
      return { steps: 2, bytes: (2 * (ranks - 1) * bytes) / ranks }
    case 'ring':
      return { steps: 2 * (ranks - 1), bytes: (2 * (ranks - 1) * bytes) / ranks }
    default:
      return algorithm satisfies never
  }
}

/** star: the root sends to each rank. chain: every rank passes on to the next. */
function broadcastCost(algorithm: BroadcastAlgorithm, bytes: number, ranks: number, messageBytes: number): Cost {
  switch (algorithm) {
    case 'star':
      return { steps: 1, bytes: (ranks - 1) * bytes }
    case 'chain':
      // The last rank's first message has crossed every rank before it, whole message by whole message.
      return { steps: ranks - 1, bytes: bytes + (ranks - 2) * Math.min(bytes, messageBytes) }
    default:
      return algorithm satisfies never
  }
}

/** Time of an algorithm whose steps do not overlap. */
function plainMs({ steps, bytes }: Cost, model: CostModel): number {
  return steps * model.latencyMs + (1000 * bytes) / model.bytesPerSecond
}

/** Estimated time of an all-reduce of `bytes` per rank, in messages of `messageBytes`. */
export function allReduceMs(
  algorithm: AllReduceAlgorithm,
  bytes: number,
  ranks: number,
  messageBytes: number,
  model: CostModel,
): number {
  const cost = allReduceCost(algorithm, bytes, ranks)
  if (algorithm !== 'ring') return plainMs(cost, model)
  // A chunk of many messages hides the latency of its step: the first is back before the last has left.
  const chunkMs = (1000 * bytes) / ranks / model.bytesPerSecond
  const messageMs = (1000 * Math.min(bytes / ranks, messageBytes)) / model.bytesPerSecond
  return model.latencyMs + cost.steps * Math.max(chunkMs, model.latencyMs + messageMs)
}

export function chooseAllReduce(
  bytes: number,
  ranks: number,
  messageBytes: number,
  model: CostModel,
): AllReduceAlgorithm {
  if (ranks > MAX_ALL_LINKS_RANKS) return 'ring'
  let best: AllReduceAlgorithm = 'ring'
  let bestMs = allReduceMs(best, bytes, ranks, messageBytes, model)
  // Direct holds whole copies and reduces only when all of them came, which the model does not see: one message at most.
  for (const algorithm of bytes > messageBytes ? (['mesh'] as const) : (['mesh', 'direct'] as const)) {
    const ms = allReduceMs(algorithm, bytes, ranks, messageBytes, model)
    if (ms <= bestMs) {
      best = algorithm
      bestMs = ms
    }
  }
  return best
}

export function chooseBroadcast(
  bytes: number,
  ranks: number,
  messageBytes: number,
  model: CostModel,
): BroadcastAlgorithm {
  if (bytes === 0) return 'star'
  const star = plainMs(broadcastCost('star', bytes, ranks, messageBytes), model)
  return star <= plainMs(broadcastCost('chain', bytes, ranks, messageBytes), model) ? 'star' : 'chain'
}

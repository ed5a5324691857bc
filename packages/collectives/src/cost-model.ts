/**
 * Which algorithm an operation takes: the one with the smallest `latency · steps + bytes / bandwidth`, where
 * bytes are what the busiest rank sends. All ranks decide alike because all hold the same two numbers.
 * Not for: measuring them (warm-up.ts).
 */

export interface CostModel {
  /** Milliseconds from handing a small message to a link until its handler runs at the other end. */
  readonly latencyMs: number
  /** Bytes per second that one rank sends while all ranks send. */
  readonly bytesPerSecond: number
}

export const ALL_REDUCE_ALGORITHMS = ['auto', 'ring', 'direct'] as const
export type AllReduceAlgorithm = Exclude<(typeof ALL_REDUCE_ALGORITHMS)[number], 'auto'>
export type BroadcastAlgorithm = 'star' | 'chain'

/** Ranks. Beyond this, sending everything to everyone holds R−1 copies of the payload in memory at once. */
const MAX_DIRECT_RANKS = 64

/** What an algorithm takes, for one rank. */
export interface Cost {
  readonly steps: number
  readonly bytes: number
}

/** direct: everyone sends all it has to everyone and all reduce alike. ring: reduce-scatter and all-gather. */
export function allReduceCost(algorithm: AllReduceAlgorithm, bytes: number, ranks: number): Cost {
  switch (algorithm) {
    case 'direct':
      return { steps: 1, bytes: (ranks - 1) * bytes }
    case 'ring':
      return { steps: 2 * (ranks - 1), bytes: (2 * (ranks - 1) * bytes) / ranks }
    default:
      return algorithm satisfies never
  }
}

/** star: the root sends to each rank. chain: every rank passes on to the next. */
export function broadcastCost(algorithm: BroadcastAlgorithm, bytes: number, ranks: number, messageBytes: number): Cost {
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

export function milliseconds(cost: Cost, model: CostModel): number {
  return cost.steps * model.latencyMs + (1000 * cost.bytes) / model.bytesPerSecond
}

export function chooseAllReduce(bytes: number, ranks: number, model: CostModel): AllReduceAlgorithm {
  if (ranks > MAX_DIRECT_RANKS) return 'ring'
  const direct = milliseconds(allReduceCost('direct', bytes, ranks), model)
  return direct <= milliseconds(allReduceCost('ring', bytes, ranks), model) ? 'direct' : 'ring'
}

export function chooseBroadcast(
  bytes: number,
  ranks: number,
  messageBytes: number,
  model: CostModel,
): BroadcastAlgorithm {
  if (bytes === 0) return 'star'
  const star = milliseconds(broadcastCost('star', bytes, ranks, messageBytes), model)
  return star <= milliseconds(broadcastCost('chain', bytes, ranks, messageBytes), model) ? 'star' : 'chain'
}

/**
 * What links cost and what an all-reduce or a broadcast therefore takes, by the α–β model (Hockney, 1994), with
 * one pair of numbers per class of link. All ranks choose alike because all hold the same numbers. Not for:
 * measuring them (warm-up.ts), times of all-reduces and the choice among them (all-reduce-choice.ts).
 */
import { coresOf } from './algorithms/halving.ts'
import { LINK_CLASSES, type LinkClass, type Topology } from './topology.ts'

/** What it takes to move bytes over links of one class. */
export interface LinkCost {
  /** Milliseconds from handing a small message to a link until its handler runs at the other end. */
  readonly latencyMs: number
  /** Bytes per second that one rank sends while all ranks send. */
  readonly bytesPerSecond: number
  /** Milliseconds between small messages that one rank sends one after the other; 0 by default. */
  readonly gapMs?: number
}

/** The worst of all links, and each class of links that there is, where it was measured. */
export interface CostModel extends LinkCost {
  readonly classes?: Partial<Record<LinkClass, LinkCost>> | undefined
}

export const ALL_REDUCE_ALGORITHMS = ['auto', 'ring', 'mesh', 'direct', 'doubling', 'halving', 'two-level'] as const
export type AllReduceAlgorithm = Exclude<(typeof ALL_REDUCE_ALGORITHMS)[number], 'auto'>
export type BroadcastAlgorithm = 'star' | 'chain'

/** What an algorithm takes: rounds of messages that need each other, and bytes that the busiest rank sends. */
export interface Cost {
  readonly steps: number
  readonly bytes: number
}

/** Numbers of ranks by group, for two-level; ignored by the others. */
export type GroupSizes = readonly number[]

/**
 * direct: everyone sends all it has to everyone, and all reduce alike. mesh: everyone sends chunk r to rank r,
 * which reduces it and sends it to everyone. ring: reduce-scatter and all-gather among neighbours. halving:
 * recursive halving and doubling. doubling: everything among partners. two-level: inside groups, a ring between them, inside groups.
 */
export function allReduceCost(
  algorithm: AllReduceAlgorithm,
  bytes: number,
  ranks: number,
  groups: GroupSizes = [],
): Cost {
  switch (algorithm) {
    case 'direct':
      return { steps: 1, bytes: (ranks - 1) * bytes }
    case 'mesh':
      return { steps: 2, bytes: (2 * (ranks - 1) * bytes) / ranks }
    case 'ring':
      return { steps: 2 * (ranks - 1), bytes: (2 * (ranks - 1) * bytes) / ranks }
    case 'halving': {
      const { cores, extra } = coresOf(ranks)
      const folds = extra > 0
      return {
        steps: 2 * Math.log2(cores) + (folds ? 2 : 0),
        bytes: ((2 * (cores - 1)) / cores + (folds ? 1 : 0)) * bytes,
      }
    }
    case 'doubling': {
      const { cores, extra } = coresOf(ranks)
      const folds = extra > 0
      return { steps: Math.log2(cores) + (folds ? 2 : 0), bytes: (Math.log2(cores) + (folds ? 1 : 0)) * bytes }
    }
    case 'two-level': {
      const owners = Math.min(...groups)
      const largest = Math.max(...groups)
      const ring = (2 * (groups.length - 1)) / groups.length
      return {
        steps: (largest > 1 ? 2 : 0) + 2 * (groups.length - 1),
        // An owner gives the other owners their shards, and its own shard, finished, to all of its group.
        bytes: (bytes * (owners - 1 + ring + largest - 1)) / owners,
      }
    }
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
function plainMs({ steps, bytes }: Cost, link: LinkCost): number {
  return steps * link.latencyMs + (1000 * bytes) / link.bytesPerSecond
}

/** The cost of links of a class; the worst of all where that class was not measured. */
function linkCost(model: CostModel, of: LinkClass): LinkCost {
  return model.classes?.[of] ?? model
}

/** The worst of several classes; links that cost nothing when there are none. */
export function worstOf(model: CostModel, classes: readonly LinkClass[]): Required<LinkCost> {
  const costs = classes.map((of) => linkCost(model, of))
  return {
    latencyMs: Math.max(0, ...costs.map((cost) => cost.latencyMs)),
    bytesPerSecond: Math.min(Number.POSITIVE_INFINITY, ...costs.map((cost) => cost.bytesPerSecond)),
    gapMs: Math.max(0, ...costs.map((cost) => cost.gapMs ?? 0)),
  }
}

/** Classes of the links between neighbours in the ring, nearest first: every class that occurs at all occurs there. */
export function classesIn({ order, classOf }: Topology): LinkClass[] {
  const found = new Set(order.map((rank, i) => classOf(rank, order[(i + 1) % order.length]!)))
  return LINK_CLASSES.filter((of) => found.has(of))
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

/**
 * The effective batch: how many samples stand behind one step of the optimizer, as every banner and page writes it.
 * Pure. Not for: what a rank says of itself (run.ts).
 */
import type { SetupEvent } from './run.ts'

/** One rank's part of it. */
export interface RankBatch {
  nodeRank: number
  setup: Pick<SetupEvent, 'batchSize' | 'accumulate' | 'strategy' | 'learningRate'>
}

/** Below this a rate is written as people write rates: 4e-3. */
const SMALL_RATE = 0.01
/** Digits of a rate that are shown; rates that were computed in float32 have no more. */
const RATE_DIGITS = 6

/** How a strategy makes one step of its ranks' batches. */
function spread(strategy: string): 'all' | 'nodes' | 'one' {
  if (strategy === 'dp') return 'one'
  return strategy === 'ddp2' ? 'nodes' : 'all'
}

/**
 * Samples of one step over all ranks; null while a rank has not told its batch.
 * dp: B; ddp2: B × nodes; all others: the sum over ranks. Times the micro-batches of a step.
 */
export function effectiveBatch(ranks: readonly RankBatch[]): number | null {
  const [first] = ranks
  if (first === undefined) return null
  const accumulate = first.setup.accumulate ?? 1
  switch (spread(first.setup.strategy)) {
    case 'one':
      return times(first.setup.batchSize, accumulate)
    case 'nodes':
      return times(sum(firstOfNodes(ranks)), accumulate)
    case 'all':
      return times(sum(ranks), accumulate)
  }
}

/** `7 × 4 devices × 2 nodes × accumulate 1 = 56`; null while a rank has not told its batch. */
function effectiveBatchText(ranks: readonly RankBatch[]): string | null {
  const total = effectiveBatch(ranks)
  const [first] = ranks
  if (total === null || first === undefined) return null
  return `${factors(ranks)} × accumulate ${first.setup.accumulate ?? 1} = ${total}`
}

/** `lr 4e-3 (not scaled)`; null where no rank told one. Only horovod scales the rate by the world. */
function learningRateText(ranks: readonly RankBatch[]): string | null {
  const { learningRate = null, strategy } = ranks[0]?.setup ?? {}
  if (learningRate === null) return null
  return `lr ${rateText(learningRate)} (${strategy === 'horovod' ? 'scaled × world' : 'not scaled'})`
}

/** `7 × 4 devices × 2 nodes × accumulate 1 = 56; lr 4e-3 (not scaled)`; of the two parts those that are told. */
export function effectiveBatchLine(ranks: readonly RankBatch[]): string {
  return [effectiveBatchText(ranks), learningRateText(ranks)].filter((part) => part !== null).join('; ')
}

function factors(ranks: readonly RankBatch[]): string {
  const [first] = ranks
  const kind = spread(first?.setup.strategy ?? '')
  const parts = kind === 'all' ? ranks : kind === 'nodes' ? firstOfNodes(ranks) : ranks.slice(0, 1)
  const sizes = parts.map(({ setup }) => setup.batchSize)
  const [size] = sizes
  if (!sizes.every((other) => other === size)) return `(${sizes.join(' + ')})`
  const counts = [...countByNode(ranks).values()]
  const nodes = counts.length
  switch (kind) {
    case 'one':
      return `${size}`
    case 'nodes':
      return `${size} × ${plural(nodes, 'node')}`
    case 'all': {
      const [devices = 0] = counts
      return counts.every((count) => count === devices)
        ? `${size} × ${plural(devices, 'device')} × ${plural(nodes, 'node')}`
        : `${size} × ${plural(ranks.length, 'device')} on ${plural(nodes, 'node')}`
    }
  }
}

function firstOfNodes(ranks: readonly RankBatch[]): RankBatch[] {
  return ranks.filter(({ nodeRank }, at) => ranks.findIndex((rank) => rank.nodeRank === nodeRank) === at)
}

function countByNode(ranks: readonly RankBatch[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const { nodeRank } of ranks) counts.set(nodeRank, (counts.get(nodeRank) ?? 0) + 1)
  return counts
}

function sum(ranks: readonly RankBatch[]): number | null {
  return ranks.reduce<number | null>(
    (total, { setup }) => (total === null || setup.batchSize === null ? null : total + setup.batchSize),
    0,
  )
}

function times(size: number | null, accumulate: number): number | null {
  return size === null ? null : size * accumulate
}

function rateText(rate: number): string {
  const rounded = Number(rate.toPrecision(RATE_DIGITS))
  return rounded !== 0 && Math.abs(rounded) < SMALL_RATE ? rounded.toExponential() : String(rounded)
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}

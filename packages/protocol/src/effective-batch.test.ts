/** The effective batch by strategy, and the line that tells it. */
import { expect, it } from 'vitest'
import { effectiveBatch, effectiveBatchLine, type RankBatch } from './effective-batch.ts'

interface World {
  strategy?: string
  /** Ranks of each node. */
  nodes: number[]
  sizes: number | Array<number | null>
  accumulate?: number
  rate?: number | null
}

function ranksOf({ strategy = 'ddp', nodes, sizes, accumulate, rate = 4e-3 }: World): RankBatch[] {
  const places = nodes.flatMap((count, nodeRank) => Array.from({ length: count }, () => nodeRank))
  return places.map((nodeRank, rank) => ({
    nodeRank,
    setup: {
      strategy,
      learningRate: rate,
      batchSize: typeof sizes === 'number' ? sizes : (sizes[rank] ?? null),
      ...(accumulate === undefined ? {} : { accumulate }),
    },
  }))
}

it.each<[World, number | null, string]>([
  [{ nodes: [4, 4], sizes: 7 }, 56, '7 × 4 devices × 2 nodes × accumulate 1 = 56; lr 4e-3 (not scaled)'],
  [{ nodes: [1], sizes: 32, rate: 0.05 }, 32, '32 × 1 device × 1 node × accumulate 1 = 32; lr 0.05 (not scaled)'],
  [{ nodes: [2], sizes: 8, accumulate: 4 }, 64, '8 × 2 devices × 1 node × accumulate 4 = 64; lr 4e-3 (not scaled)'],
  [{ nodes: [3, 2], sizes: 7 }, 35, '7 × 5 devices on 2 nodes × accumulate 1 = 35; lr 4e-3 (not scaled)'],
  [{ nodes: [2], sizes: [7, 3], accumulate: 2 }, 20, '(7 + 3) × accumulate 2 = 20; lr 4e-3 (not scaled)'],
  [{ strategy: 'dp', nodes: [1], sizes: 7 }, 7, '7 × accumulate 1 = 7; lr 4e-3 (not scaled)'],
  [{ strategy: 'ddp2', nodes: [4, 4], sizes: 7 }, 14, '7 × 2 nodes × accumulate 1 = 14; lr 4e-3 (not scaled)'],
  [
    { strategy: 'horovod', nodes: [4], sizes: 7 },
    28,
    '7 × 4 devices × 1 node × accumulate 1 = 28; lr 4e-3 (scaled × world)',
  ],
  [{ strategy: 'ddp_sharded', nodes: [2, 2], sizes: 2, rate: null }, 8, '2 × 2 devices × 2 nodes × accumulate 1 = 8'],
  [{ nodes: [2], sizes: [7, null] }, null, 'lr 4e-3 (not scaled)'],
  [
    { nodes: [1], sizes: 1, rate: 0.0010000000474974513 },
    1,
    '1 × 1 device × 1 node × accumulate 1 = 1; lr 1e-3 (not scaled)',
  ],
  [{ nodes: [], sizes: 1 }, null, ''],
])('%j: %s', (world, total, line) => {
  expect(effectiveBatch(ranksOf(world))).toBe(total)
  expect(effectiveBatchLine(ranksOf(world))).toBe(line)
})

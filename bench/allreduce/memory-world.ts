/**
 * Ranks in this one thread over links that pass buffers on: what the collectives themselves cost. There is no bare
 * carrier to compare with: what a reduce and a copy cost is in the time itself.
 */
import { createProcessGroup, type ProcessGroup } from '@rondo/collectives'
import { memoryMesh } from '@rondo/transport'
import { RingOperands, stepsOfNewest } from './operands.ts'
import type { World } from './world.ts'

export async function openMemoryWorld(ranks: number): Promise<World> {
  const { links } = memoryMesh(ranks)
  const nodeLabels = links.map((_, rank) => `rank ${rank}`)
  const groups: ProcessGroup[] = await Promise.all(
    links.map((ofRank, rank) =>
      createProcessGroup({ rank, worldSize: ranks, generation: 1, links: ofRank, nodeLabels }),
    ),
  )
  const operands = groups.map(() => new RingOperands())
  return {
    carrier: 'memory',
    ranks,
    yardstick: null,
    ring: async (bytes, count) =>
      Math.max(...(await Promise.all(groups.map((group, rank) => operands[rank]!.time(group, bytes, count))))),
    cold: async (bytes) =>
      Math.max(...(await Promise.all(groups.map((group, rank) => operands[rank]!.time(group, bytes, 1, true))))),
    steps: async () => Math.max(...groups.map(stepsOfNewest)),
    close: async () => void (await Promise.all(groups.map((group) => group.close()))),
  }
}

/**
 * Ranks in this one thread over links that pass buffers on: what the collectives themselves cost. There is no
 * bare carrier to compare with, so the yardstick is how fast this thread copies memory, message by message.
 */
import { createProcessGroup, type ProcessGroup } from '@rondo/collectives'
import { DEFAULT_MESSAGE_BYTES } from '@rondo/protocol'
import { memoryMesh } from '@rondo/transport'
import { RingOperands } from './operands.ts'
import type { World } from './world.ts'

/** Milliseconds of copying: a single pass is over before the machine's other work shows. */
const COPY_MS = 50

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
    yardstick: 'memory copy',
    ring: async (bytes, count) =>
      Math.max(...(await Promise.all(groups.map((group, rank) => operands[rank]!.time(group, bytes, count))))),
    raw: async (bytes) => copyRate(bytes),
    close: async () => void (await Promise.all(groups.map((group) => group.close()))),
  }
}

function copyRate(bytes: number): number {
  const source = new Uint8Array(bytes).fill(1)
  const target = new Uint8Array(bytes).fill(2)
  let copied = 0
  let ms = 0
  for (const started = performance.now(); ms < COPY_MS; ms = performance.now() - started) {
    for (let at = 0; at < bytes; at += DEFAULT_MESSAGE_BYTES) {
      target.set(source.subarray(at, at + DEFAULT_MESSAGE_BYTES), at)
    }
    copied += bytes
  }
  return (copied / ms) * 1_000
}

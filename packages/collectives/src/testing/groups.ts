/** Process groups over links in memory, for tests: N ranks in one thread. */
import { type Link, type MemoryMesh, type MemoryMeshOptions, memoryMesh } from '@rondo/transport'
import type { CostModel } from '../cost-model.ts'
import { createProcessGroup } from '../create-process-group.ts'
import type { ProcessGroup } from '../process-group.ts'
import type { Place } from '../topology.ts'

export interface TestWorld {
  groups: ProcessGroup[]
  mesh: MemoryMesh
  link(from: number, to: number): Link
  /** Runs `work` on every rank at once. */
  all<T>(work: (group: ProcessGroup, rank: number) => Promise<T>): Promise<T[]>
  close(): Promise<void>
}

export interface TestWorldOptions extends MemoryMeshOptions {
  timeoutMs?: number
  generation?: number
  /** `measured` lets the group measure, as outside of tests. */
  costModel?: CostModel | 'measured'
  places?: readonly Place[] | undefined
}

/** A model by which only bytes cost: operands of several messages take the ring and the chain. */
export const BYTES_COST: CostModel = { latencyMs: 1e-9, bytesPerSecond: 1 }

export async function testWorld(worldSize: number, options: TestWorldOptions = {}): Promise<TestWorld> {
  const mesh = memoryMesh(worldSize, options)
  const { timeoutMs = 10_000, generation = 1, costModel = { latencyMs: 0.1, bytesPerSecond: 1e8 }, places } = options
  const model = costModel === 'measured' ? undefined : costModel
  const nodeLabels = Array.from({ length: worldSize }, (_, rank) => `node-${rank}`)
  const groups = await Promise.all(
    mesh.links.map((links, rank) =>
      createProcessGroup({ rank, worldSize, generation, links, nodeLabels, timeoutMs, costModel: model, places }),
    ),
  )
  const world: TestWorld = {
    groups,
    mesh,
    link: (from, to) => mesh.links[from]?.get(to) as Link,
    all: (work) => Promise.all(world.groups.map(work)),
    async close() {
      await Promise.all(world.groups.map((group) => group.close()))
    },
  }
  return world
}

/** Places of ranks on machines, by rank: `placesOn('abab')` puts ranks 0 and 2 on machine a, each in a page of its own. */
export function placesOn(machines: string): Place[] {
  return [...machines].map((machine, rank) => ({ pageId: `page-${rank}`, browserId: null, nodeId: machine }))
}

/** The error that `promise` rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it should have failed')
}

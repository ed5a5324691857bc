/** The table of docs/algorithms.md for everything but the all-reduce: steps and bytes, counted on real groups. */
import { FRAME_HEADER_BYTES } from '@rondo/protocol'
import { describe, expect, it } from 'vitest'
import { decodeObject, encodeObject } from './object-codec.ts'
import type { ProcessGroup } from './process-group.ts'
import { BYTES_COST, testWorld } from './testing/groups.ts'

/** Elements and bytes of an operand: parts for every world size below, and several messages of 512 bytes. */
const LENGTH = 5040
const N = 4 * LENGTH
const VALUE = { text: 'a value', list: [1, 2, 3] }
const VALUE_BYTES = encodeObject(VALUE, 'test').byteLength

interface Case {
  operation: string
  run(group: ProcessGroup, rank: number): Promise<unknown>
  steps(ranks: number): number
  /** Of the busiest rank. */
  bytes(ranks: number): number
  /** Few bytes cost less than steps, instead of the other way round. */
  fewSteps?: true
}

const x = (length = LENGTH): Float32Array => new Float32Array(length)

const CASES: Case[] = [
  {
    operation: 'reduceScatter',
    run: (group) => group.reduceScatter(x()),
    steps: (ranks) => ranks - 1,
    bytes: (ranks) => ((ranks - 1) / ranks) * N,
  },
  { operation: 'allGather', run: (group) => group.allGather(x()), steps: () => 1, bytes: (ranks) => (ranks - 1) * N },
  {
    operation: 'allGatherV',
    run: (group) => group.allGatherV(x()),
    steps: () => 1,
    bytes: (ranks) => (ranks - 1) * (N + 8),
  },
  {
    operation: 'allGatherObject',
    run: (group) => group.allGatherObject(VALUE),
    steps: () => 1,
    bytes: (ranks) => (ranks - 1) * (VALUE_BYTES + 8),
  },
  {
    operation: 'allToAll',
    run: (group) => group.allToAll(x()),
    steps: () => 1,
    bytes: (ranks) => ((ranks - 1) / ranks) * N,
  },
  {
    operation: 'broadcast by star',
    run: (group) => group.broadcast(x(), { src: 1 }),
    steps: () => 1,
    bytes: (ranks) => (ranks - 1) * N,
    fewSteps: true,
  },
  {
    operation: 'broadcast by chain',
    run: (group) => group.broadcast(x(), { src: 1 }),
    // Between two ranks star and chain are the same.
    steps: (ranks) => ranks - 1,
    bytes: () => N,
  },
  {
    operation: 'broadcastObject',
    run: (group) => group.broadcastObject(VALUE),
    steps: () => 1,
    bytes: (ranks) => (ranks - 1) * (VALUE_BYTES + 8),
  },
  { operation: 'gather', run: (group) => group.gather(x(), { dst: 1 }), steps: () => 1, bytes: () => N },
  {
    operation: 'scatter',
    run: (group, rank) =>
      group.scatter(x(LENGTH / group.worldSize), { src: 1, ...(rank === 1 ? { values: x() } : {}) }),
    steps: () => 1,
    bytes: (ranks) => ((ranks - 1) / ranks) * N,
  },
  { operation: 'barrier', run: (group) => group.barrier(), steps: () => 1, bytes: () => 0 },
  {
    operation: 'send and recv',
    run: async (group, rank) => {
      if (rank === 0) await group.send(x(), { to: 1 })
      if (rank === 1) await group.recv(x(), { from: 0 })
    },
    steps: (_ranks) => 1,
    bytes: () => N,
  },
]

describe('steps and bytes are those of the table', () => {
  for (const { operation, run, steps, bytes, fewSteps } of CASES) {
    it.each([2, 3, 5])(`${operation} among %i ranks`, async (ranks) => {
      const costModel = fewSteps ? { latencyMs: 1e6, bytesPerSecond: 1e9 } : BYTES_COST
      const world = await testWorld(ranks, { costModel, maxFrameBytes: FRAME_HEADER_BYTES + 512 })
      const before = world.groups.map((group) => group.payloadBytesSent)
      await world.all(run)
      const sent = world.groups.map((group, rank) => group.payloadBytesSent - before[rank]!)
      expect(Math.max(...sent)).toBe(bytes(ranks))
      const taken = world.groups.map((group) => group.flightRecorder.dump().at(-1)?.steps ?? 0)
      expect(Math.max(...taken)).toBe(steps(ranks))
      await world.close()
    })
  }
})

it('objects travel as their encoding says', () => {
  expect(decodeObject(encodeObject(VALUE, 'test'))).toEqual(VALUE)
})

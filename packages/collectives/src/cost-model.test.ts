/** The formulas of docs/collectives.md, counted on real groups, and the choices that follow from them. */
import { FRAME_HEADER_BYTES } from '@rondo/protocol'
import { describe, expect, it } from 'vitest'
import { AllReduceChooser } from './all-reduce-choice.ts'
import { allReduceCost, chooseBroadcast } from './cost-model.ts'
import { placesOn, testWorld } from './testing/groups.ts'
import { flatTopology, topologyOf } from './topology.ts'

const LENGTH = 5040 // a multiple of every world size below, so that all chunks are equal

describe('what algorithms cost', () => {
  for (const ranks of [2, 3, 4, 6, 8]) {
    for (const algorithm of ['ring', 'mesh', 'direct', 'halving'] as const) {
      it(`${algorithm} among ${ranks} ranks takes the steps and bytes that the formula says`, async () => {
        const world = await testWorld(ranks, { maxFrameBytes: FRAME_HEADER_BYTES + 512 })
        const before = world.groups.map((group) => group.payloadBytesSent)
        await world.all((group) => group.allReduce(new Float32Array(LENGTH), { algorithm, name: 'counted' }))
        const cost = allReduceCost(algorithm, 4 * LENGTH, ranks)
        const sent = world.groups.map((group, rank) => group.payloadBytesSent - before[rank]!)
        expect(Math.max(...sent)).toBe(cost.bytes)
        // Only folding makes some ranks busier than others.
        if (algorithm !== 'halving' || Number.isInteger(Math.log2(ranks))) expect(Math.min(...sent)).toBe(cost.bytes)
        world.groups.forEach((group) => {
          expect(group.flightRecorder.dump().at(-1)).toMatchObject({
            name: 'counted',
            steps: cost.steps,
            state: 'done',
          })
        })
        await world.close()
      })
    }
  }

  for (const ranks of [2, 3, 4, 6, 8]) {
    it(`doubling among ${ranks} ranks takes the steps and bytes that the formula says`, async () => {
      const world = await testWorld(ranks)
      const before = world.groups.map((group) => group.payloadBytesSent)
      await world.all((group) => group.allReduce(new Float32Array(LENGTH), { algorithm: 'doubling', name: 'counted' }))
      const cost = allReduceCost('doubling', 4 * LENGTH, ranks)
      expect(Math.max(...world.groups.map((group, rank) => group.payloadBytesSent - before[rank]!))).toBe(cost.bytes)
      for (const group of world.groups) {
        expect(group.flightRecorder.dump().at(-1)).toMatchObject({ name: 'counted', steps: cost.steps, state: 'done' })
      }
      await world.close()
    })
  }

  for (const machines of ['aabb', 'abab', 'aaabbb', 'aabbcc', 'aaab', 'abacab']) {
    it(`two-level of machines ${machines} takes the steps and bytes that the formula says`, async () => {
      const places = placesOn(machines)
      const world = await testWorld(machines.length, { places, maxFrameBytes: FRAME_HEADER_BYTES + 512 })
      const before = world.groups.map((group) => group.payloadBytesSent)
      await world.all((group) => group.allReduce(new Float32Array(LENGTH), { algorithm: 'two-level', name: 'counted' }))
      const sizes = topologyOf(places)
        .groups('machine')
        .map((ranks) => ranks.length)
      const cost = allReduceCost('two-level', 4 * LENGTH, machines.length, sizes)
      expect(Math.max(...world.groups.map((group, rank) => group.payloadBytesSent - before[rank]!))).toBe(cost.bytes)
      for (const group of world.groups) {
        expect(group.flightRecorder.dump().at(-1)).toMatchObject({ name: 'counted', steps: cost.steps, state: 'done' })
      }
      await world.close()
    })
  }

  it('a codec halves or quarters them', async () => {
    const world = await testWorld(4, { maxFrameBytes: FRAME_HEADER_BYTES + 65_536 })
    const sent = async (codec: 'f32' | 'f16' | 'bf16' | 'int8'): Promise<number> => {
      const before = world.groups[0]!.payloadBytesSent
      await world.all((group) => group.allReduce(new Float32Array(4096), { algorithm: 'ring', codec }))
      return world.groups[0]!.payloadBytesSent - before
    }
    const plain = await sent('f32')
    expect(plain).toBe(1.5 * 4 * 4096)
    expect([await sent('f16'), await sent('bf16')]).toEqual([plain / 2, plain / 2])
    // One byte a value, and a scale of four bytes for each chunk of 1024 in each of 6 messages.
    expect(await sent('int8')).toBe(plain / 4 + 6 * 4)
    await world.close()
  })

  it('are golden vector 10', () => {
    expect([2, 4, 8].map((ranks) => allReduceCost('ring', 1, ranks))).toEqual([
      { steps: 2, bytes: 1 },
      { steps: 6, bytes: 1.5 },
      { steps: 14, bytes: 1.75 },
    ])
  })
})

describe('the choice', () => {
  const webrtc = { latencyMs: 0.35, bytesPerSecond: 15e6 }
  const chooser = (ranks: number): AllReduceChooser => new AllReduceChooser(flatTopology(ranks), 65_536, webrtc)
  const pick = (bytes: number, ranks: number): string => chooser(ranks).choose(bytes).algorithm

  it('goes from few steps to few bytes as payloads grow', () => {
    expect([8, 4096, 65_536, 1 << 20, 1 << 24].map((bytes) => pick(bytes, 4))).toEqual([
      'direct',
      'mesh',
      'mesh',
      'ring',
      'ring',
    ])
    expect(pick(1 << 24, 2)).toBe('ring')
  })

  it('takes what the model calls fastest, of those that fit', () => {
    for (const ranks of [2, 3, 5, 9]) {
      for (let bytes = 1; bytes < 1e8; bytes *= 3) {
        const times = chooser(ranks)
          .candidates(bytes)
          .map((choice) => chooser(ranks).ms(choice, bytes))
        expect(chooser(ranks).ms(chooser(ranks).choose(bytes), bytes)).toBe(Math.min(...times))
      }
    }
  })

  it('broadcasts small payloads from the root and large ones along the ring', () => {
    expect(chooseBroadcast(100, 4, 65_536, webrtc)).toBe('star')
    expect(chooseBroadcast(1e7, 4, 65_536, webrtc)).toBe('chain')
    expect(chooseBroadcast(1e7, 2, 65_536, webrtc)).toBe('star')
  })
})

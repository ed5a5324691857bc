/**
 * The choice of an all-reduce's algorithm, held against simulated networks of 4 to 32 ranks: what the cost model picks
 * is never much slower than the fastest. More ranks and sizes: `npm run bench -- algorithms`.
 */
import { describe, expect, it } from 'vitest'
import { AllReduceChooser } from '../all-reduce-choice.ts'
import { SIMULATED_LINKS, simulatedNetwork } from './simulated-networks.ts'
import { simulateAllReduce } from './simulator.ts'

/** How much slower than the fastest a choice may be: the model knows no queues and no pipelines between steps. */
const TOLERANCE = 1.5
const SIZES = [64, 4096, 65_536, 524_288]

describe('the choice is near the fastest of all that come into question', () => {
  for (const links of Object.keys(SIMULATED_LINKS) as Array<keyof typeof SIMULATED_LINKS>) {
    for (const machines of [
      [1, 1, 1, 1],
      [2, 2],
      [4, 4],
      [3, 2, 1],
      Array(8).fill(4),
      Array(16).fill(1),
      Array(32).fill(1),
    ]) {
      it(`on ${links} links, machines of ${machines.join(' ')}`, () => {
        const network = simulatedNetwork(machines, links)
        const { classes } = network
        const chooser = new AllReduceChooser(network.topology, network.messageBytes, { ...classes.network, classes })
        for (const bytes of SIZES) {
          const ms = (choice: ReturnType<typeof chooser.choose>): number =>
            simulateAllReduce(choice, bytes / 4, network).ms
          const fastest = Math.min(...chooser.candidates(bytes).map(ms))
          const chosen = chooser.choose(bytes)
          expect(ms(chosen), `${chosen.algorithm} for ${bytes} bytes`).toBeLessThanOrEqual(TOLERANCE * fastest)
        }
      })
    }
  }
})

it('counts what crosses the border of a machine', () => {
  const network = simulatedNetwork([2, 2], 'lan')
  const vector = 4 * 12_000
  const bytes = (algorithm: 'ring' | 'halving'): number =>
    simulateAllReduce({ algorithm }, 12_000, network).networkBytes
  expect(bytes('ring')).toBe(3 * vector)
  expect(bytes('halving')).toBe(2 * vector)
  const twoLevel = simulateAllReduce({ algorithm: 'two-level', level: 'machine' }, 12_000, network)
  expect(twoLevel.networkBytes).toBe(2 * vector)
  expect(simulateAllReduce({ algorithm: 'ring' }, 12_000, network)).toEqual(
    simulateAllReduce({ algorithm: 'ring' }, 12_000, network),
  )
})

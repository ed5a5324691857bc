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
/** Times of 1 KiB, 64 KiB and 512 KiB on networks scaled down by 32, so that the test is about 20 times faster. */
const SCALE = 32
const SIZES = [32, 2_048, 16_384]
const MACHINES = [equal(4, 1), equal(2, 2), [3, 2, 1], equal(8, 4), equal(16, 1)]

describe('the choice is near the fastest of all that come into question', () => {
  for (const links of Object.keys(SIMULATED_LINKS) as Array<keyof typeof SIMULATED_LINKS>) {
    it.each(MACHINES.map((machines) => [machines.join(' '), machines] as const))(
      `on ${links} links, machines of %s`,
      (_, machines) => {
        const network = simulatedNetwork(machines, links, SCALE)
        const { classes, topology, messageBytes } = network
        const chooser = new AllReduceChooser(topology, messageBytes, { ...classes.network, classes })
        for (const bytes of SIZES) {
          const all = chooser
            .candidates(bytes)
            .map((choice) => ({ choice, ms: simulateAllReduce(choice, bytes / 4, network).ms }))
          const chosen = chooser.choose(bytes)
          const its = all.find(({ choice }) => choice.algorithm === chosen.algorithm)?.ms
          expect(its, `${chosen.algorithm} for ${bytes} bytes`).toBeLessThanOrEqual(
            TOLERANCE * Math.min(...all.map(({ ms }) => ms)),
          )
        }
      },
    )
  }
})

function equal(machines: number, ranks: number): number[] {
  return new Array<number>(machines).fill(ranks)
}

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

/** Seeds give the same numbers every time; the golden vectors of loader workers. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { selectAccelerator } from '../accelerator/select.ts'
import { parametersOf } from '../model/parameters.ts'
import { weightsHash } from '../model/tensors.ts'
import { tf } from '../tfjs.ts'
import { Random } from './random.ts'
import { randomState, restoreRandomState, seedEverything, seededRandom, unseedEverything } from './seed-everything.ts'
import { workerSeedStream, workerSeeds } from './worker-seeds.ts'

beforeAll(async () => {
  await selectAccelerator('cpu')
})
afterEach(unseedEverything)

describe('Random', () => {
  test('xoshiro128** from the state 1, 2, 3, 4 gives the sequence of its reference code', () => {
    const random = new Random(0)
    random.setState([1, 2, 3, 4])
    expect(Array.from({ length: 4 }, () => random.uint32())).toEqual([11520, 0, 5927040, 70819200])
  })

  test('equal seeds agree, different seeds differ, and a saved state goes on', () => {
    const draw = (random: Random) => Array.from({ length: 50 }, () => random.next())
    const random = new Random(5)
    expect(draw(random)).toEqual(draw(new Random(5)))
    expect(draw(new Random(5))).not.toEqual(draw(new Random(6)))
    const state = random.state()
    const next = draw(random)
    random.setState(state)
    expect(draw(random)).toEqual(next)
  })

  test('moments of its distributions, and a shuffle that keeps every item', () => {
    const random = new Random(1)
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
    const uniform = Array.from({ length: 20_000 }, () => random.next())
    const normal = Array.from({ length: 20_000 }, () => random.normal())
    expect(Math.abs(mean(uniform) - 0.5)).toBeLessThan(0.01)
    expect(Math.abs(mean(normal))).toBeLessThan(0.03)
    expect(Math.abs(mean(normal.map((value) => value * value)) - 1)).toBeLessThan(0.05)
    const counts = [0, 0, 0]
    for (let i = 0; i < 30_000; i++) counts[random.integer(3)] = (counts[random.integer(1)] ?? 0) + 1
    const items = random.shuffle(Array.from({ length: 100 }, (_, i) => i))
    expect([...items].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i))
    expect(items[0] === 0 && items[1] === 1 && items[2] === 2).toBe(false)
  })

  test.each([-1, 1.5, 2 ** 32, Number.NaN])('seed %d is refused', (seed) => {
    expect(() => new Random(seed)).toThrow(/from 0 to 4294967295/)
  })
})

describe('seedEverything', () => {
  const build = () =>
    tf.sequential({
      layers: [
        tf.layers.dense({ inputShape: [4], units: 3 }),
        tf.layers.dense({ units: 3, kernelInitializer: 'truncatedNormal' }),
        tf.layers.dense({ units: 3, kernelInitializer: 'heNormal' }),
        tf.layers.dense({ units: 3, kernelInitializer: 'orthogonal' }),
        tf.layers.dropout({ rate: 0.5 }),
      ],
    })

  test('the initial weights of layers built after it are a function of the seed', async () => {
    const hash = async (seed: number) => {
      seedEverything(seed)
      return weightsHash(parametersOf(build()))
    }
    expect(await hash(3)).toBe(await hash(3))
    expect(await hash(3)).not.toBe(await hash(4))
  })

  test('dropout masks and shuffles are too', () => {
    const draw = () => {
      seedEverything(9)
      const items = Array.from({ length: 20 }, (_, i) => i)
      tf.util.shuffle(items)
      return [...tf.dropout(tf.ones([50]), 0.5).dataSync(), ...items]
    }
    expect(draw()).toEqual(draw())
  })

  test('its state can be handed on, and the platform gets Math.random back', () => {
    const platform = Math.random
    seedEverything(2)
    Math.random()
    const state = randomState()
    const next = [Math.random(), Math.random()]
    unseedEverything()
    expect(Math.random).toBe(platform)
    expect(seededRandom()).toBeNull()
    restoreRandomState(state ?? [0, 0, 0, 0])
    expect([Math.random(), Math.random()]).toEqual(next)
  })
})

test('worker seeds: golden vector, and a stream of its own for each worker and rank', () => {
  expect(workerSeedStream(42, 0, 0).slice(0, 2)).toEqual([2645472128837983560n, 3943358886911368617n])
  const firsts = [0, 1].flatMap((worker) => [0, 1].map((rank) => workerSeeds(42, worker, rank).tensors))
  expect(new Set(firsts).size).toBe(4)
  const [, high = 0n, low = 0n, last = 0n] = workerSeedStream(7, 1, 2)
  expect(workerSeeds(7, 1, 2)).toMatchObject({ language: (high << 32n) | low, arrays: Number(last % 2n ** 32n) })
})

/** seedEverything: which seed counts, what is refused, and streams of data that differ between ranks. */
import { column, DataLoader, InMemoryDataset, map } from '@rondo/data'
import { tf, unseedEverything, workerSeedStream, workerSeeds } from '@rondo/engine'
import { afterEach, expect, it, vi } from 'vitest'
import { Fabric } from './fabric.ts'
import { runRanks } from './testing/ranks.ts'

afterEach(unseedEverything)

const withEnv = (env: Record<string, string>, work: (fabric: Fabric) => void | Promise<void>) =>
  runRanks(1, async ({ context }) => work(new Fabric({}, context)), { config: { env } })

it('worker seeds follow the stream of upstream', () => {
  expect(workerSeedStream(42, 0, 0).slice(0, 2)).toEqual([2645472128837983560n, 3943358886911368617n])
  const [a, b, c, d] = workerSeedStream(7, 3, 2) as [bigint, bigint, bigint, bigint]
  expect(workerSeeds(7, 3, 2)).toEqual({ tensors: a, language: (b << 32n) | c, arrays: Number(d & 0xffff_ffffn) })
  // The mixing, written out once more.
  let x = (7n << 32n) | (3n << 16n) | 2n
  for (const factor of [0xff51afd7ed558ccdn, 0xc4ceb9fe1a85ec53n]) x = ((x ^ (x >> 33n)) * factor) % 2n ** 64n
  x ^= x >> 33n
  expect(a).toBe((x * 6364136223846793005n + 1n) % 2n ** 64n)
})

it('takes the argument, else PL_GLOBAL_SEED, else 0 with a warning', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const info = vi.spyOn(console, 'info').mockImplementation(() => {})
  await withEnv({ PL_GLOBAL_SEED: '17' }, (fabric) => {
    expect([fabric.seedEverything(), fabric.seedEverything(5)]).toEqual([17, 5])
  })
  expect(info.mock.calls.flat()).toEqual(['seed 17 on rank 0', 'seed 5 on rank 0'])
  expect(warn).not.toHaveBeenCalled()
  await withEnv({}, (fabric) => {
    expect(fabric.seedEverything(undefined, { verbose: false })).toBe(0)
  })
  expect(warn.mock.calls.join()).toMatch(/no seed given.*0 is used/)
  expect(info).toHaveBeenCalledTimes(2)
  vi.restoreAllMocks()
})

it.each(['x', '1.5', '-3', '4294967296', ''])('refuses PL_GLOBAL_SEED "%s", unless a seed is given', async (text) => {
  await withEnv({ PL_GLOBAL_SEED: text }, (fabric) => {
    expect(() => fabric.seedEverything()).toThrow(new RegExp(`PL_GLOBAL_SEED is "${text}".*0 to 4294967295`))
    expect(fabric.seedEverything(1, { verbose: false })).toBe(1)
  })
})

it.each([-1, 4294967296, 1.5, '3'])('refuses the seed %s', async (seed) => {
  await withEnv({}, (fabric) => {
    expect(() => fabric.seedEverything(seed as number)).toThrow(/0 to 4294967295/)
  })
})

/** First weights, and what a data set's own function drew, on two ranks. */
async function drawn(options: { workers?: boolean }): Promise<Array<{ weight: number; augmented: number[] }>> {
  const results = await runRanks(2, async ({ context }) => {
    const fabric = new Fabric({}, context)
    await fabric.launch()
    fabric.seedEverything(3, { verbose: false, ...options })
    const weight = tf.randomUniform([1]).dataSync()[0] as number
    const numbers = new InMemoryDataset([column(new Float32Array(4))])
    const noisy = map(numbers, ([x]) => [column(Float32Array.of((x?.data[0] ?? 0) + Math.random()), [])] as const)
    const augmented: number[] = []
    // Ranks share this thread, so each reads alone.
    for (let turn = 0; turn < 2; turn++) {
      if (turn === context.group.rank) {
        fabric.seedEverything(3, { verbose: false, ...options })
        for await (const [x] of new DataLoader(noisy, { prefetch: 0 })) augmented.push(x.data[0] as number)
      }
      await fabric.barrier(`turn ${turn}`)
    }
    return { weight, augmented }
  })
  return results
}

it('initial weights agree between ranks, data differs, and a rerun is equal', async () => {
  const first = await drawn({})
  expect(first[0]?.augmented).not.toEqual(first[1]?.augmented)
  expect((await drawn({})).map(({ augmented }) => augmented)).toEqual(first.map(({ augmented }) => augmented))
  const plain = await drawn({ workers: false })
  expect(plain[0]?.augmented).toEqual(plain[1]?.augmented)
})

/** DiLoCo against its definition written down in float64, its schedule, bytes, state and refusals. */
import { adamw, sgd, tf } from '@rondo/engine'
import { describe, expect, it } from 'vitest'
import { DdpStrategy } from '../ddp/ddp.ts'
import { finalLoss, runRanks, type TestRank, train } from '../testing/world.ts'
import { DiLoCoStrategy } from './diloco.ts'
import { cutEvenly } from './meeting.ts'
import type { DiLoCoOptions } from './options.ts'
import { outerStep } from './outer-step.ts'

const distinct = (hashes: ReadonlyArray<string | undefined>): number => new Set(hashes).size
const RATE = 0.5

/** Two weights towards targets of the rank's own: gradient w − t. Gives their values after each step. */
async function twoWeights(context: TestRank, options: DiLoCoOptions, steps: number): Promise<number[][]> {
  const target = context.rank === 0 ? [8, -4] : [16, 2]
  const weights = { a: tf.variable(tf.tensor1d([0])), b: tf.variable(tf.tensor1d([1])) }
  const model = { forward: (x: tf.Tensor) => x, parameters: () => weights }
  const replica = await new DiLoCoStrategy(options).setupModel(model as never, context)
  const optimizer = sgd({ learningRate: RATE })
  const seen: number[][] = []
  for (let step = 0; step < steps; step++) {
    replica.zeroGrad()
    const loss = (): tf.Tensor =>
      tf.sum(tf.mul(tf.square(tf.sub(tf.concat([weights.a, weights.b]), tf.tensor1d(target))), 0.5))
    await replica.backward(loss, samplesOf(context.rank), true)
    await replica.step(optimizer)
    seen.push([(await weights.a.data())[0] as number, (await weights.b.data())[0] as number])
  }
  return seen
}

const samplesOf = (rank: number): number => (rank === 0 ? 1 : 3)

/** The same in float64, one weight at a time; `turn` is the step at which it first leaves, `every` the distance. */
function reference(
  targets: [number, number],
  start: number,
  {
    turn,
    every,
    steps,
    delay = 0,
    alpha = 0,
    lr = 0.7,
    mu = 0.9,
    nesterov = true,
  }: {
    turn: number
    every: number
    steps: number
    delay?: number
    alpha?: number
    lr?: number
    mu?: number
    nesterov?: boolean
  },
): number[][] {
  const local = [start, start]
  let global = start
  let momentum = 0
  let travelling: number | null = null
  const seen: number[][] = []
  for (let step = 1; step <= steps; step++) {
    targets.forEach((target, rank) => {
      local[rank]! -= RATE * (local[rank]! - target)
    })
    if (step >= turn && (step - turn) % every === 0) {
      travelling = (1 * (global - local[0]!) + 3 * (global - local[1]!)) / 4
    }
    if (travelling !== null && step >= turn && (step - turn) % every === delay) {
      momentum = mu * momentum + travelling
      global -= lr * (nesterov ? travelling + mu * momentum : momentum)
      local.forEach((value, rank) => {
        local[rank] = alpha * value + (1 - alpha) * global
      })
      travelling = null
    }
    seen.push([...local])
  }
  return seen
}

describe('follows its definition', () => {
  const A: [number, number] = [8, 16]
  const B: [number, number] = [-4, 2]
  it.each<[string, DiLoCoOptions, Parameters<typeof reference>[2], number]>([
    ['plainly', { syncEvery: 3 }, { turn: 3, every: 3, steps: 12 }, 3],
    [
      'with other outer options',
      { syncEvery: 2, outerLr: 0.3, outerMomentum: 0.5, nesterov: false },
      { turn: 2, every: 2, steps: 10, lr: 0.3, mu: 0.5, nesterov: false },
      2,
    ],
    ['with a delay', { syncEvery: 4, fragmentSyncDelay: 2 }, { turn: 4, every: 4, steps: 15, delay: 2 }, 4],
    [
      'keeping a part of the local weights',
      { syncEvery: 3, fragmentSyncDelay: 1, fragmentUpdateAlpha: 0.25 },
      { turn: 3, every: 3, steps: 12, delay: 1, alpha: 0.25 },
      3,
    ],
    ['in fragments that take turns', { syncEvery: 4, fragments: 2 }, { turn: 2, every: 4, steps: 13 }, 4],
  ])('%s', async (_, options, first, secondTurn) => {
    const ranks = await runRanks(2, (rank) => twoWeights(rank, options, first.steps))
    const a = reference(A, 0, first)
    const b = reference(B, 1, { ...first, turn: options.fragments === 2 ? secondTurn : first.turn })
    for (const rank of [0, 1]) {
      ranks[rank]!.forEach(([wa, wb], step) => {
        expect(wa).toBeCloseTo(a[step]![rank]!, 3)
        expect(wb).toBeCloseTo(b[step]![rank]!, 3)
      })
    }
  })
})

it('takes outer steps as torch.optim.SGD does', () => {
  const weights = Float32Array.of(1, 2)
  const momentum = new Float32Array(2)
  const options = { outerLr: 0.5, outerMomentum: 0.5, nesterov: true }
  outerStep(weights, Float32Array.of(1, -2), momentum, options)
  // b = Δ; d = Δ + 0.5·b = 1.5·Δ
  expect([...weights]).toEqual([0.25, 3.5])
  outerStep(weights, Float32Array.of(1, 0), momentum, options)
  // b = [1.5, -1]; d = [1.75, -0.5]
  expect([...weights]).toEqual([-0.625, 3.75])
  expect([...momentum]).toEqual([1.5, -1])
})

describe.each([1, 2, 3, 4])('%i ranks', (worldSize) => {
  it.each<DiLoCoOptions>([{}, { quantize: 'fp16' }, { quantize: 'int8' }])(
    'are bit-equal after each outer step (%j)',
    async (options) => {
      const strategy = new DiLoCoStrategy({ syncEvery: 3, ...options })
      const ranks = await runRanks(worldSize, (rank) => train(rank, strategy, { steps: 6 }))
      const at = [0, 1, 2, 3, 4, 5].map((step) => distinct(ranks.map(({ hashes }) => hashes[step])))
      expect(at).toEqual([worldSize, worldSize, 1, worldSize, worldSize, 1])
    },
  )

  it('are equal at the end, whatever was under way', async () => {
    const strategy = new DiLoCoStrategy({ syncEvery: 6, fragments: 2, fragmentSyncDelay: 2, fragmentUpdateAlpha: 0.5 })
    for (const steps of [3, 4, 5, 6]) {
      const ranks = await runRanks(worldSize, (rank) => train(rank, strategy, { steps }))
      await Promise.all(ranks.map(({ replica }) => replica.syncWeights?.()))
      expect(distinct(await Promise.all(ranks.map(({ net }) => net.hash())))).toBe(1)
    }
  })
})

it.each<[DiLoCoOptions, number]>([
  [{}, 4],
  [{ quantize: 'fp16' }, 2],
  [{ fragments: 2 }, 4],
])("sends 1/H of DDP's values (%j)", async (options, bytesPerValue) => {
  const ddp = await runRanks(2, (rank) => train(rank, new DdpStrategy(), { steps: 8 }))
  const strategy = new DiLoCoStrategy({ syncEvery: 4, ...options })
  const diloco = await runRanks(2, (rank) => train(rank, strategy, { steps: 8 }))
  const values = ((ddp[0]?.bytes as number) / 8 - 8) / 4
  const meetings = 2 * (options.fragments ?? 1)
  for (const { bytes } of diloco) expect(bytes).toBe(2 * bytesPerValue * values + 8 * meetings)
})

it('learns, with AdamW inside', async () => {
  const options = { steps: 160, samples: () => 8, optimizer: () => adamw({ learningRate: 0.02 }) }
  const ranks = await runRanks(2, (rank) => train(rank, new DiLoCoStrategy({ syncEvery: 8 }), options))
  // Twenty outer steps of high momentum still swing; DDP is three times as far by then.
  expect(finalLoss(ranks)).toBeLessThan(0.1 * (ranks[0]?.losses[0] as number))
}, 60_000)

it('goes on from saved momentum as if nothing had happened, and anew without it', async () => {
  const strategy = new DiLoCoStrategy({ syncEvery: 2 })
  const results = await runRanks(2, async (context) => {
    const { replica, net } = await train(context, strategy, { steps: 4 })
    const saved = replica.state?.()
    expect(saved?.strategy).toBe('diloco')
    expect(saved?.tensors.map(({ name }) => name)).toContain('parameters.kernel.momentum')
    expect(saved?.tensors.some(({ data }) => data.some((value) => Number(value) !== 0))).toBe(true)
    await replica.restore?.(saved ?? null)
    expect(replica.state?.()).toEqual(saved)
    await replica.restore?.({ strategy: 'other', tensors: [] })
    expect(replica.state?.().tensors.every(({ data }) => data.every((value) => Number(value) === 0))).toBe(true)
    return net.hash()
  })
  expect(distinct(results)).toBe(1)
})

it.each<[unknown, RegExp]>([
  [{ syncEvery: 10, fragments: 4 }, /syncEvery 10 is no multiple of fragments 4/],
  [{ syncEvery: 8, fragments: 2, fragmentSyncDelay: 4 }, /fragmentSyncDelay 4 must be below.*4/],
  [{ quantize: 'int4' }, /quantize is "int4".*"none", "fp16", "int8"/],
  [{ outerMomentum: 1 }, /outerMomentum is 1.*below 1/],
  [{ outerLr: 0 }, /outerLr is 0.*above 0/],
  [{ fragmentUpdateAlpha: 2 }, /from 0 to 1/],
  [{ nesterov: true, outerMomentum: 0 }, /Nesterov needs a momentum/],
  [{ every: 3 }, /no option every\. Allowed are syncEvery/],
])('refuses %j', (options, message) => {
  expect(() => new DiLoCoStrategy(options as DiLoCoOptions)).toThrow(message)
})

it('cuts parameters into consecutive fragments of about equal size', () => {
  const parameters = [4, 4, 8, 2, 2, 4].map((size, i) => ({ name: `p${i}`, variable: { size }, trainable: true }))
  const names = cutEvenly(parameters as never, 3).map((part) => part.map(({ name }) => name))
  expect(names).toEqual([['p0', 'p1'], ['p2'], ['p3', 'p4', 'p5']])
})

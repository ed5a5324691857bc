/**
 * A step in which ranks lose their devices: nobody waits for them, nobody uses the step, and all go on alike. Losing
 * is played here, as tests in Node have no device to lose; e2e/gpu.spec.ts and e2e/device-lost.spec.ts destroy real ones.
 */
import { sgd, tf } from '@rondo/engine'
import { DdpStrategy, type DeviceRecovery } from '@rondo/strategies'
import { expect, test } from 'vitest'
import { Fabric } from './fabric.ts'
import { runRanks, type TestRank } from './testing/ranks.ts'

const STEPS = 5
const WORLD = 3

interface Seen {
  losses: number[]
  weights: number[]
  recovered: number[][]
}

/** A recovery whose device `lose()` takes away; getting it back means the weights of the first rank that has one. */
class PlayedRecovery implements DeviceRecovery {
  isLost = false
  readonly recovered: number[][] = []
  readonly #rank: TestRank
  readonly #weights: tf.Variable

  constructor(rank: TestRank, weights: tf.Variable) {
    this.#rank = rank
    this.#weights = weights
  }
  watch = async (): Promise<boolean> => true
  failedByLoss = async (): Promise<boolean> => this.isLost
  async recover(lost: readonly number[]): Promise<void> {
    this.recovered.push([...lost])
    const { group, signal } = this.#rank.context
    const source = [0, 1, 2].find((rank) => !lost.includes(rank)) as number
    const values = await group.broadcast(Float32Array.from(this.#weights.dataSync()), { src: source, signal })
    if (this.isLost) this.#weights.assign(tf.tensor1d(values))
    this.isLost = false
  }
}

/** Where in its step a rank loses the device. */
type Moment = 'before' | 'in the loss'

async function train(overlap: boolean, losing: Array<{ rank: number; step: number; moment: Moment }>): Promise<Seen[]> {
  return runRanks(WORLD, async (rank) => {
    const me = rank.context.group.rank
    const weights = tf.variable(tf.tensor1d([1, -2, 3, 0.5]))
    const devices = new PlayedRecovery(rank, weights)
    Object.defineProperty(rank.context, 'devices', { value: devices })
    const fabric = new Fabric({ strategy: new DdpStrategy({ overlap }) }, rank.context)
    await fabric.launch()
    const model = { parameters: () => ({ weights }), forward: (x: tf.Tensor) => tf.mul(weights, x) }
    const [, optimizer] = await fabric.setup(model, sgd({ learningRate: 0.1, momentum: 0.9 }))
    const losses: number[] = []
    for (let step = 0; step < STEPS; step++) {
      const loss = losing.find((one) => one.rank === me && one.step === step)
      if (loss?.moment === 'before') devices.isLost = true
      optimizer.zeroGrad()
      const x = tf.tensor1d([1, 2, 3, 4].map((value) => value * (me + step + 1) * 0.1))
      losses.push(
        await fabric.backward(() => {
          if (loss?.moment === 'in the loss') {
            devices.isLost = true
            // What is on a lost device has no sense.
            weights.assign(tf.tensor1d([Number.NaN, 0, 0, 0]))
            throw new Error('an operation on a lost device')
          }
          return tf.mean(tf.square(tf.mul(weights, x))) as tf.Scalar
        }),
      )
      await optimizer.step()
      x.dispose()
    }
    const values = [...weights.dataSync()]
    weights.dispose()
    return { losses, weights: values, recovered: devices.recovered }
  })
}

test.each([true, false])(
  'overlap %s: a rank that loses its device has no part in the step, and neither has anyone',
  async (overlap) => {
    const seen = await train(overlap, [
      { rank: 1, step: 1, moment: 'before' },
      { rank: 0, step: 3, moment: 'in the loss' },
      { rank: 2, step: 3, moment: 'before' },
    ])
    for (const { weights, recovered } of seen) {
      expect(weights).toEqual(seen[0]?.weights)
      expect(weights.every(Number.isFinite)).toBe(true)
      expect(recovered).toEqual([[1], [0, 2]])
    }
    const lost = seen.map(({ losses }) => losses.flatMap((loss, step) => (Number.isNaN(loss) ? [step] : [])))
    expect(lost).toEqual([[3], [1], [3]])
    const undisturbed = await train(overlap, [])
    expect(undisturbed[0]?.recovered).toEqual([])
    expect(seen[0]?.weights).not.toEqual(undisturbed[0]?.weights)
  },
)

test('an error of the script on a rank whose device is well stays that error', async () => {
  const failing = runRanks(2, async (rank) => {
    const weights = tf.variable(tf.tensor1d([1]))
    Object.defineProperty(rank.context, 'devices', { value: new PlayedRecovery(rank, weights) })
    const fabric = new Fabric({}, rank.context)
    await fabric.launch()
    await fabric.setup({ parameters: () => ({ weights }), forward: (x: tf.Tensor) => x })
    await fabric.backward(() => {
      throw new Error('a mistake of mine')
    })
  })
  await expect(failing).rejects.toThrow('a mistake of mine')
})

/** detectAnomaly names the first operation and its layer, forward and backward, on the rank where it happened. */
import { type Optimizer, selectAccelerator, sgd, tf } from '@rondo/engine'
import { beforeAll, describe, expect, it } from 'vitest'
import { RondoModule } from '../module/module.ts'
import { lineLoader, onRanks } from '../testing/line.ts'

beforeAll(async () => {
  await selectAccelerator('cpu')
})

class Suspect extends RondoModule {
  net = tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [1], units: 2, kernelInitializer: 'ones', useBias: false }),
      tf.layers.dense({ units: 1, kernelInitializer: 'ones', useBias: false }),
    ],
  })
  readonly spoil: (module: Suspect, output: tf.Tensor, index: number) => tf.Tensor
  constructor(spoil: Suspect['spoil']) {
    super()
    this.spoil = spoil
  }
  override trainingStep([x]: tf.Tensor[], index?: number): tf.Tensor {
    return tf.mean(this.spoil(this, this.forward(x), index ?? 0))
  }
  override configureOptimizers(): Optimizer {
    return sgd({ learningRate: 1e-4 })
  }
}

const fit = (worldSize: number, spoil: Suspect['spoil'], prepare: (module: Suspect) => void = () => {}) =>
  onRanks(
    worldSize,
    async (trainer) => {
      const module = new Suspect(spoil)
      prepare(module)
      await trainer.fit(module, lineLoader(16 * worldSize))
      return trainer.globalStep
    },
    { detectAnomaly: true },
  )

describe('detectAnomaly', () => {
  it('lets a sound step pass, with the same weights and no tensor left', async () => {
    const counts: number[] = []
    const sound: Suspect['spoil'] = (_, y) => {
      counts.push(tf.memory().numTensors)
      return tf.square(y)
    }
    expect(await fit(1, sound)).toEqual([4])
    expect(new Set(counts.slice(1)).size).toBe(1)
  })

  it('names an operation of the forward outside of layers, before others that only pass it on', async () => {
    const log: Suspect['spoil'] = (_, y) => tf.mul(tf.log(tf.sub(y, y)), 2)
    await expect(fit(1, log)).rejects.toMatchObject({
      code: 'NOT_FINITE',
      message: expect.stringMatching(/operation Log of the forward outside of any layer.*4 infinite of \[4, 1\]/),
    })
  })

  it('names the layer whose operation it was', async () => {
    const overflow = (module: Suspect): void => module.net.layers[1]?.setWeights([tf.fill([2, 1], 3e38)])
    await expect(fit(1, (_, y) => y, overflow)).rejects.toThrow(
      /_?MatMul of the forward in layer net\.layers\[1\] \(Dense\) gave/,
    )
  })

  it('names an operation of the backward: the root of 0 has a slope without end', async () => {
    const root: Suspect['spoil'] = (_, y) => tf.sqrt(tf.relu(tf.sub(y, 100)))
    await expect(fit(1, root)).rejects.toThrow(/of the backward outside of any layer/)
  })

  it('happens on one rank: all stop with the same message, which names it', async () => {
    const messages: string[] = []
    const onOne: Suspect['spoil'] = (module, y, index) =>
      module.globalRank === 1 && index === 1 ? tf.div(y, tf.zerosLike(y)) : y
    await onRanks(
      3,
      async (trainer) => {
        await trainer.fit(new Suspect(onOne), lineLoader(48)).catch((error: Error) => messages.push(error.message))
        return trainer.globalStep
      },
      { detectAnomaly: true },
    )
    expect(messages).toHaveLength(3)
    expect(new Set(messages).size).toBe(1)
    expect(messages[0]).toMatch(/on rank 1, in epoch 0 after step 1, operation RealDiv/)
  })
})

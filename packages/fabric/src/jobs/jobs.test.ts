/** One rank runs job after job: each begins from the same state and leaves no memory behind; cells keep theirs. */

import { singleProcessGroup } from '@rondo/collectives'
import { getShuffleSeed, setShuffleSeed } from '@rondo/data'
import { seedEverything, selectAccelerator, tf } from '@rondo/engine'
import { type RankEvent, RondoError } from '@rondo/protocol'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { currentRankContext, RankContext, setRankContext } from '../context.ts'
import { Fabric } from '../fabric.ts'
import { configOf } from '../testing/ranks.ts'
import { abortJob, disposeJob, nextRankContext } from './jobs.ts'

const events: RankEvent[] = []
beforeAll(async () => {
  setRankContext(
    new RankContext({
      group: singleProcessGroup(),
      seats: [],
      config: configOf(1),
      accelerator: await selectAccelerator('cpu'),
      files: { write: async () => {}, read: async () => new Uint8Array(0) },
      emit: (event) => events.push(event),
      signal: new AbortController().signal,
    }),
  )
})
afterEach(() => disposeJob())

/** Trains a little and forgets to dispose all that it can. */
async function leakyTraining(steps = 3): Promise<number> {
  const fabric = new Fabric()
  await fabric.launch()
  const net = tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [4], units: 8, activation: 'relu', name: 'hidden' }),
      tf.layers.dense({ units: 1, name: 'out' }),
    ],
  })
  const [model, optimizer] = await fabric.setup(net, tf.train.adam(0.01))
  tf.variable(tf.scalar(1), false, 'mine')
  let loss = 0
  for (let i = 0; i < steps; i++) {
    const x = tf.randomNormal([16, 4])
    optimizer.zeroGrad()
    loss = await fabric.backward(() => tf.losses.meanSquaredError(tf.zeros([16, 1]), model.forward(x)) as tf.Scalar)
    await optimizer.step()
    tf.keep(tf.tidy(() => tf.mul(x, 2)))
    tf.tensor(['text'])
  }
  return loss
}

describe('launches', () => {
  it.each(['cpu', 'wasm'])('leave no tensor and no variable behind over 20 jobs on %s', async (backend) => {
    const kept = tf.tensor1d([1, 2, 3])
    const accelerator = await selectAccelerator(backend)
    currentRankContext().accelerator = accelerator
    const numbers: Array<[number, number]> = []
    for (let n = 0; n < 20; n++) {
      nextRankContext({ kind: 'launch' })
      const work = leakyTraining()
      if (n % 3 === 0) await work
      else await expect(work.then(() => Promise.reject(new Error('thrown at the end')))).rejects.toThrow()
      expect(tf.memory().numTensors).toBeGreaterThan(20)
      await disposeJob()
      const { numTensors, numBytes } = tf.memory()
      numbers.push([numTensors, numBytes])
    }
    expect(new Set(numbers.map(String)).size).toBe(1)
    expect(await kept.array()).toEqual([1, 2, 3])
    kept.dispose()
    expect(tf.memory().numTensors).toBe((numbers[0] as [number, number])[0] - 1)
    expect(Object.keys(tf.engine().registeredVariables)).toEqual([])
  })

  it('free also what an aborted job holds, and a scope that it left open', async () => {
    const before = tf.memory().numTensors
    nextRankContext({ kind: 'launch' })
    tf.engine().startScope('never ended')
    tf.ones([3])
    await disposeJob()
    expect(tf.memory().numTensors).toBe(before)
    tf.dispose(tf.tidy(() => tf.ones([2])))
    expect(tf.memory().numTensors).toBe(before)
  })

  it('start with reporter, models and settings of their own', async () => {
    const base = currentRankContext()
    events.length = 0
    const first = nextRankContext({ kind: 'launch' })
    await leakyTraining()
    expect(first.reporter.steps).toBe(3)
    expect([first.models.length, first.announced, first.resolved?.precision]).toEqual([1, true, '32-true'])
    await disposeJob()
    const second = nextRankContext({ kind: 'launch', config: { args: ['again'], env: { PL_GLOBAL_SEED: '4' } } })
    expect(currentRankContext()).toBe(second)
    expect([second.reporter.steps, second.models.length, second.announced, second.resolved]).toEqual([
      0,
      0,
      false,
      null,
    ])
    expect(second.env.argv).toEqual(['again'])
    expect(second.env['PL_GLOBAL_SEED']).toBe('4')
    expect([second.group, second.commands]).toEqual([base.group, base.commands])
    await leakyTraining()
    expect(events.filter((event) => event.kind === 'setup')).toHaveLength(2)
    await disposeJob()
    expect(currentRankContext()).toBe(base)
  })

  it('do not inherit the seed or the backend of the one before', async () => {
    currentRankContext().accelerator = await selectAccelerator('cpu')
    nextRankContext({ kind: 'launch' })
    seedEverything(7)
    setShuffleSeed(7)
    const seeded = Math.random()
    await selectAccelerator('wasm')
    await disposeJob()
    expect(tf.getBackend()).toBe('cpu')
    nextRankContext({ kind: 'launch' })
    expect(getShuffleSeed()).toBe(0)
    seedEverything(7)
    expect(Math.random()).toBe(seeded)
    await disposeJob()
    nextRankContext({ kind: 'launch' })
    expect(Math.random()).not.toBe(Math.random())
    expect(Function.prototype.toString.call(Math.random)).toContain('native code')
  })

  it('run one at a time', async () => {
    nextRankContext({ kind: 'launch' })
    expect(() => nextRankContext({ kind: 'launch' })).toThrow(/runs here already/)
    await disposeJob()
    await disposeJob()
    expect(() => nextRankContext({ kind: 'cell' })).not.toThrow()
  })

  it('are told by their signal when they are aborted', async () => {
    const { signal } = nextRankContext({ kind: 'launch' })
    const error = new RondoError('ABORTED', 'interrupted')
    abortJob(error)
    expect(signal.reason).toBe(error)
    expect(currentRankContext().group.failure).toBe(error)
  })
})

describe('cells', () => {
  it('keep tensors, variables, seed and an unspoilt signal', async () => {
    const { signal } = nextRankContext({ kind: 'cell' })
    seedEverything(3)
    const kept = tf.variable(tf.scalar(5), true, 'kept')
    abortJob(new RondoError('ABORTED', 'interrupted'))
    expect(signal.aborted).toBe(false)
    const drawn = Math.random()
    await disposeJob()
    nextRankContext({ kind: 'cell' })
    expect(kept.dataSync()[0]).toBe(5)
    const next = Math.random()
    seedEverything(3)
    expect([Math.random(), Math.random()]).toEqual([drawn, next])
    kept.dispose()
  })
})

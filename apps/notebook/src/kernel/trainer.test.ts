/**
 * A Trainer in cells: classes, callbacks and data of a notebook go to ranks by the notebook's own codecs, and what they
 * learnt is in the cells' objects afterwards. Ranks are in this thread.
 */
import { tf } from '@rondo/engine'
import { callLaunched, setLauncher } from '@rondo/fabric'
import { createRuntime, createScope, Kernel, type KernelOutput } from '@rondo/kernel'
import { decodeValue, encodeValue, forkFunction, reviveProgram } from '@rondo/kernel/fork'
import type { Trainer } from '@rondo/trainer'
import * as rondo from 'rondo'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { runRanks } from '../../../../packages/fabric/src/testing/ranks.ts'
import { resultCodecs, valueCodecs } from './codecs.ts'

const importModule = async (specifier: string): Promise<object> => (specifier === 'rondo' ? rondo : tf)

const MODEL = `
import * as tf from '@tensorflow/tfjs'
import { RondoModule, Callback, Trainer, EarlyStopping, DataLoader, InMemoryDataset, column, adam, MeanSquaredError, Timer, GradientAccumulationScheduler } from 'rondo'
const factor = 3
function lossOf(net, [x, y]) { return tf.losses.meanSquaredError(y, net.forward(x)) }
class Net extends RondoModule {
  net = tf.sequential({ layers: [tf.layers.dense({ inputShape: [1], units: 1, kernelInitializer: 'zeros' })] })
  optimizer = adam({ learningRate: 0.1 })
  error = new MeanSquaredError()
  trainingStep(batch) { const loss = lossOf(this, batch); this.log('train_loss', loss); return loss }
  validationStep(batch) {
    this.log('val_loss', lossOf(this, batch))
    this.error.update(this.forward(batch[0]), batch[1])
    this.log('val_error', this.error)
  }
  configureOptimizers() { return this.optimizer }
}
class Losses extends Callback {
  seen = []
  onTrainEpochEnd(trainer) { this.seen.push(trainer.callbackMetrics.val_loss * factor / factor) }
}
const x = Float32Array.from({ length: 16 }, (_, i) => i / 8)
const loader = (shuffle) => new DataLoader(new InMemoryDataset([column(x, [16, 1]), column(x.map((v) => v * factor), [16, 1])]), { batchSize: 4, shuffle })
const model = new Net()
const losses = new Losses()
const stopping = new EarlyStopping({ monitor: 'val_loss', patience: 9 })
const timer = new Timer({ duration: '01:00:00:00' })
const trainer = new Trainer({ devices: 2, strategy: 'ddp_notebook', maxEpochs: 4, callbacks: [losses, stopping, timer, new GradientAccumulationScheduler({ 0: 1 })] })
`

function notebook() {
  const outputs: KernelOutput[] = []
  const kernel = new Kernel({
    importModule,
    describe: (value) => ({ 'text/plain': JSON.stringify(value) ?? String(value) }),
    onOutput: (_, output) => outputs.push(output),
  } as ConstructorParameters<typeof Kernel>[0])
  setLauncher({
    slots: async () => 2,
    async launch({ fn, args, call, name }) {
      const { scope } = kernel
      const program = await forkFunction({ fn, args: [...args], scope, codecs: valueCodecs, call: `${call}(${name})` })
      const results = await runRanks(2, async ({ context }) => {
        const scopeThere = createScope({})
        const runtime = createRuntime({ scope: scopeThere, importModule })
        const revived = await reviveProgram(program.slice(0), {
          scope: scopeThere,
          runtime,
          importModule,
          codecs: valueCodecs,
        })
        ;(revived.args[0] as Trainer).context = Object.assign(context, { job: 'launch' as const })
        return encodeValue(await callLaunched(revived.fn, revived.args), {
          codecs: valueCodecs,
          names: scopeThere.values,
        })
      })
      return decodeValue(results[0] as ArrayBuffer, { codecs: resultCodecs, names: scope.values })
    },
  })
  let count = 0
  const run = async (code: string): Promise<unknown> => {
    outputs.length = 0
    const cellNumber = ++count
    await kernel.execute({ executionId: `e${cellNumber}`, cellId: `c${cellNumber}`, cellNumber, code })
    const failed = outputs.find((output) => output.kind === 'error')
    if (failed?.kind === 'error') throw new Error(`${failed.error.name}: ${failed.error.message}`)
    const result = outputs.find((output) => output.kind === 'result')
    return result?.kind === 'result' ? JSON.parse(String(result.data['text/plain'])) : undefined
  }
  return { run }
}

beforeAll(async () => {
  await tf.setBackend('cpu')
})
afterEach(() => setLauncher(null))

it('fits on ranks from a cell, and the next cells predict, test and fit again', async () => {
  const { run } = notebook()
  await run(MODEL)
  await run('await trainer.fit(model, loader(true), loader(false))')
  const state = (await run(`
    const moments = await model.optimizer.state();
    ({ seen: losses.seen.length, best: stopping.bestScore === trainer.callbackMetrics.val_loss, epochs: trainer.currentEpoch,
       rows: trainer.history.length, took: timer.timeElapsed() > 0, exact: Math.abs(trainer.callbackMetrics.val_error - stopping.bestScore) < 1e-6, steps: trainer.globalStep, taken: moments.tensors.find((t) => t.name.endsWith('.step')).data[0],
       answer: model.forward(tf.tensor2d([[1]])).dataSync()[0] })
  `)) as Record<string, number>
  expect(state).toMatchObject({ seen: 4, best: true, took: true, exact: true, epochs: 4, steps: 8, taken: 8 })
  expect(state['answer']).toBeGreaterThan(0.3)
  const [tested] = (await run('await trainer.validate(model, loader(false))')) as Array<Record<string, number>>
  expect(tested?.['val_loss']).toBeGreaterThan(0)
  expect(await run('(await trainer.predict(model, loader(false))).map((t) => t.shape)')).toEqual([
    [4, 1],
    [4, 1],
    [4, 1],
    [4, 1],
  ])
  await run('await trainer.fit(model, loader(true), loader(false))')
  const again = (await run(
    `({ seen: losses.seen, taken: (await model.optimizer.state()).tensors.find((t) => t.name.endsWith('.step')).data[0] })`,
  )) as {
    seen: number[]
    taken: number
  }
  expect(again.taken).toBe(16)
  expect(again.seen).toHaveLength(8)
  expect(again.seen.at(-1)).toBeLessThan(again.seen[0] as number)
})

it('names what cannot cross before anything starts', async () => {
  const { run } = notebook()
  await run(MODEL)
  await run('model.socket = new WeakMap()')
  await expect(run('await trainer.fit(model, loader(true))')).rejects.toThrow(/socket/)
  await run('delete model.socket; trainer.callbacks.push({ onTrainStart: () => 1 })')
  await expect(run('await trainer.fit(model, loader(true))')).rejects.toThrow(/onTrainStart/)
})

it('tells the error of a rank in the words of its cell', async () => {
  const { run } = notebook()
  await run(MODEL)
  await run(
    `class Odd extends Net { trainingStep(batch, i) { if (this.globalRank === 1 && i === 1) throw new RangeError('odd batch'); return super.trainingStep(batch) } }`,
  )
  await expect(run('await trainer.fit(new Odd(), loader(true))')).rejects.toThrow(/odd batch/)
  await run('await trainer.fit(model, loader(true), loader(false))')
})

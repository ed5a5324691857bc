/** A Trainer in the notebook, in a real browser: fit on two ranks, then test, predict and fit with the same objects; Stop. */
import { type Browser, expect, test } from '@playwright/test'
import { openChromium } from './support/browser.ts'
import { NotebookPage, type NotebookServer, serveNotebook } from './support/notebook.ts'

/** Milliseconds for a fit that starts its ranks, on two cores that are busy with the browser. */
const COLD_MS = 60_000

const MODEL = `
import * as tf from '@tensorflow/tfjs'
import { adam, Callback, column, DataLoader, EarlyStopping, InMemoryDataset, RondoModule, Trainer } from 'rondo'
class Net extends RondoModule {
  net = tf.sequential({ layers: [tf.layers.dense({ inputShape: [1], units: 1, kernelInitializer: 'zeros' })] })
  optimizer = adam({ learningRate: 0.1 })
  loss([x, y]: tf.Tensor[]) { return tf.losses.meanSquaredError(y, this.forward(x)) }
  trainingStep(batch) { const loss = this.loss(batch); this.log('train_loss', loss); return loss }
  validationStep(batch) { this.log('val_loss', this.loss(batch), { progBar: true }) }
  testStep(batch) { this.log('test_loss', this.loss(batch)) }
  configureOptimizers() { return this.optimizer }
}
class Losses extends Callback {
  seen: number[] = []
  onTrainEpochEnd(trainer) { this.seen.push(trainer.callbackMetrics.val_loss) }
}
const x = Float32Array.from({ length: 32 }, (_, i) => i / 16)
const data = new InMemoryDataset([column(x, [32, 1]), column(x.map((v) => 3 * v), [32, 1])])
const loader = (shuffle: boolean) => new DataLoader(data, { batchSize: 4, shuffle })
const model = new Net()
const losses = new Losses()
const stopping = new EarlyStopping({ monitor: 'val_loss', patience: 50 })
const trainer = new Trainer({ devices: 2, strategy: 'ddp_notebook', maxEpochs: 10, callbacks: [losses, stopping] })`

const STATE = `const step = (await model.optimizer.state()).tensors.find((t) => t.name.endsWith('.step')).data[0]
const answer = model.forward(tf.tensor2d([[2]])).dataSync()[0]
;['steps ' + trainer.globalStep, 'taken ' + step, 'epochs ' + losses.seen.length, 'best ' + (stopping.bestScore <= losses.seen[0]),
  'learnt ' + (answer > 3), 'file ' + trainer.checkpointCallback.bestModelPath.startsWith('checkpoints/epoch=9')].join(', ')`

let browser: Browser
let server: NotebookServer

test.beforeAll(async () => {
  browser = await openChromium()
  server = await serveNotebook()
})

test.afterAll(async () => {
  await server.close()
  await browser.close()
})

test('fit brings everything back, and test, predict and fit go on from there', async () => {
  const notebook = await NotebookPage.open(browser, server.link)
  await notebook.cells(
    MODEL,
    'await trainer.fit(model, loader(true), loader(false))',
    STATE,
    `const [tested] = await trainer.test(model, loader(false), { ckptPath: 'best' })
const batches = await trainer.predict(model, loader(false))
;[Object.keys(tested).join(), batches.length, batches[0].shape.join('x')].join(' ')`,
    `import { findUsableDevices } from 'rondo'
const usable = await findUsableDevices(2)
'usable ' + usable.join()`,
  )
  await notebook.run(0)
  await notebook.run(1, COLD_MS)
  await expect(notebook.panel(1)).toContainText('2 trainable params')
  await expect(notebook.panel(1).locator('dt', { hasText: 'val loss' })).toHaveCount(1)
  await notebook.run(2)
  await expect(notebook.output(2)).toContainText('steps 40, taken 40, epochs 10, best true, learnt true, file true')
  await notebook.run(3, COLD_MS)
  await expect(notebook.output(3)).toContainText('test_loss 8 4x1')
  await notebook.run(1, COLD_MS)
  await notebook.run(2)
  await expect(notebook.output(2)).toContainText('steps 40, taken 80, epochs 20, best true, learnt true')
  await expect(notebook.panel(1)).toContainText('4 × 2 devices × 1 node × accumulate 1 = 8; lr 0.1 (not scaled)')
  await notebook.run(4, COLD_MS)
  await expect(notebook.output(4)).toContainText('usable 0,1')
  await notebook.close()
})

test('Stop ends a fit on ranks and one in the kernel itself, and the next fit works', async () => {
  const notebook = await NotebookPage.open(browser, server.link)
  await notebook.cells(
    MODEL,
    'await new Trainer({ devices: 2, maxEpochs: 1e6, enableCheckpointing: false }).fit(model, loader(true))',
    'const local = new Trainer({ devices: 1, maxEpochs: 1e6 })\nawait local.fit(model, loader(true))',
    'const before = local.globalStep\nawait new Promise((done) => setTimeout(done, 500))\nlocal.globalStep - before',
    'await trainer.fit(model, loader(true), loader(false))\nlosses.seen.length',
  )
  await notebook.run(0)
  await notebook.start(1)
  await expect(notebook.panel(1)).toContainText(/epoch/i, { timeout: COLD_MS })
  await notebook.page.keyboard.press('i')
  await notebook.page.keyboard.press('i')
  await notebook.done(1)
  await notebook.start(2)
  await notebook.page.waitForTimeout(1_000)
  await notebook.page.keyboard.press('i')
  await notebook.page.keyboard.press('i')
  await notebook.done(2)
  await notebook.run(3)
  await expect(notebook.output(3)).toContainText(/^\D*0$/)
  await notebook.run(4, COLD_MS)
  await expect(notebook.output(4)).toContainText('10')
  await notebook.close()
})

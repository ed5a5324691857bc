/**
 * How long one training step takes on the processor: the example's convolutional net, batch 64, Adam, on tfjs's
 * cpu backend and on wasm with the engine's kernels, in one process. `npx tsx bench/engine-step.ts [--json FILE]
 * [--threads N] [--steps N] [--kernels]`. Not for: communication (bench allreduce).
 */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { adam, computeGradients, parametersOf, seedEverything, selectAccelerator, tf } from '@rondo/engine'
import { mnistNet } from '../examples/mnist/model.ts'

const BATCH = 64
const IMAGE = [28, 28, 1] as const
const CLASSES = 10
/** Steps before timing: the engines of both sides compile their loops. */
const WARM_UP = 5
/** cpu steps are many times slower; a few are enough for a median. */
const CPU_STEPS = 3

const { values: flags } = parseArgs({
  options: {
    json: { type: 'string' },
    threads: { type: 'string', default: '1' },
    steps: { type: 'string', default: '40' },
    kernels: { type: 'boolean', default: false },
  },
})

/** Milliseconds of each step, measured to the end of the device's work. */
async function timeSteps(accelerator: string, steps: number): Promise<number[]> {
  await selectAccelerator(accelerator, { threads: Number(flags.threads) })
  seedEverything(1)
  const model = mnistNet()
  const parameters = parametersOf(model)
  const trainable = parameters.filter((parameter) => parameter.trainable)
  const optimizer = adam({ learningRate: 1e-3 })
  const x = tf.randomUniform([BATCH, ...IMAGE])
  const y = tf.oneHot(tf.randomUniform([BATCH], 0, CLASSES, 'int32') as tf.Tensor1D, CLASSES)
  const times: number[] = []
  for (let step = 0; step < WARM_UP + steps; step++) {
    if (step === WARM_UP && flags.kernels) profileKernels(accelerator, steps)
    const start = performance.now()
    const result = computeGradients(
      () => tf.losses.softmaxCrossEntropy(y, model.apply(x, { training: true }) as tf.Tensor),
      trainable,
    )
    optimizer.apply(trainable, result.gradients)
    tf.dispose(result.gradients)
    await result.loss
    if (step >= WARM_UP) times.push(performance.now() - start)
  }
  optimizer.dispose()
  model.dispose()
  tf.dispose([x, y])
  return times
}

/** Wraps every kernel so that the time in each is printed at exit, a step's share each. */
function profileKernels(accelerator: string, steps: number): void {
  const spent = new Map<string, { ms: number; calls: number }>()
  for (const config of tf.getKernelsForBackend(accelerator)) {
    const { kernelName, kernelFunc } = config
    tf.unregisterKernel(kernelName, accelerator)
    tf.registerKernel({
      ...config,
      kernelFunc: (call) => {
        const start = performance.now()
        const out = kernelFunc(call)
        const entry = spent.get(kernelName) ?? { ms: 0, calls: 0 }
        entry.ms += performance.now() - start
        entry.calls++
        spent.set(kernelName, entry)
        return out
      },
    })
  }
  process.on('exit', () => {
    const rows = [...spent].sort(([, a], [, b]) => b.ms - a.ms).slice(0, 20)
    for (const [name, { ms, calls }] of rows) {
      console.log(
        `${(ms / steps).toFixed(3).padStart(8)} ms  ${(calls / steps).toFixed(0).padStart(3)} ×  ${accelerator} ${name}`,
      )
    }
  })
}

const median = (values: number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const wasmTimes = await timeSteps('wasm', Number(flags.steps))
const cpuTimes = await timeSteps('cpu', CPU_STEPS)
const [wasm, cpu] = [median(wasmTimes), median(cpuTimes)]
const report = {
  batch: BATCH,
  threads: Number(flags.threads),
  processor: cpus()[0]?.model ?? 'unknown',
  node: process.version,
  msPerStep: { cpu, wasm },
  /** On a machine that does other work too, the fastest step says more than the median. */
  fastestMs: { cpu: Math.min(...cpuTimes), wasm: Math.min(...wasmTimes) },
  ratio: cpu / wasm,
}
console.log(
  `cpu  ${cpu.toFixed(1)} ms/step\nwasm ${wasm.toFixed(2)} ms/step (fastest ${report.fastestMs.wasm.toFixed(2)})\nwasm is ${report.ratio.toFixed(1)} × as fast`,
)
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(report, null, 2)}\n`)

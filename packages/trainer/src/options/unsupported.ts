/**
 * Arguments that Lightning has and this version has not: refused by name, so that nothing is silently ignored. Values
 * that ask for what happens anyway are let through.
 */
import { RondoError } from '@rondo/protocol'

/** Value that means "as it is anyway", and what to do instead of another one. */
interface Absent {
  harmless: readonly unknown[]
  instead: string
}

const NOTHING = [undefined, null, false] as const
const absent = (instead: string, harmless: readonly unknown[] = NOTHING): Absent => ({ harmless, instead })

/** By name; the sentence says what to do. */
const ABSENT: Readonly<Record<string, Absent>> = {
  gradientClipVal: absent('Clip in a script of your own on Fabric, or lower the learning rate.', [undefined, null]),
  gradientClipAlgorithm: absent('Leave it out together with gradientClipVal.', [undefined, null]),
  plugins: absent('Choose the strategy with strategy: "ddp".', [undefined, null]),
  deterministic: absent('Call seedEverything on a Fabric first: equal seeds give equal runs.'),
  benchmark: absent('Leave it out; TensorFlow.js has nothing like it.'),
  profiler: absent('Look at the phases of each step in the run report.'),
  detectAnomaly: absent('Log the values that you suspect; EarlyStopping stops at the first that is not finite.'),
  barebones: absent('Set logger: false, enableCheckpointing: false and enableModelSummary: false.'),
  syncBatchnorm: absent('Leave it out; each rank normalises by its own batch.'),
  reloadDataloadersEveryNEpochs: absent('Call fit once for each set of loaders.', [undefined, null, 0]),
  enableProgressBar: absent('Leave it out; the page or terminal that shows the run decides.', [undefined, null, true]),
  inferenceMode: absent('Leave it out; evaluation records no gradients.', [undefined, null, true, false]),
  balanceBatches: absent('Leave it out; the average is weighted by samples.'),
  gpus: absent('Use devices and accelerator: "webgpu".', [undefined]),
  autoSelectGpus: absent('Use devices.'),
  numProcesses: absent('Use devices.', [undefined, null]),
  distributedBackend: absent('Use strategy.', [undefined, null]),
  replaceSamplerDdp: absent('Use useDistributedSampler.', [undefined, null]),
  ampLevel: absent('Use precision: "32-true".', [undefined, null]),
  ampBackend: absent('Use precision: "32-true".', [undefined, null]),
  resumeFromCheckpoint: absent('Train anew, or load weights with validate, test and predict by ckptPath.', [
    undefined,
    null,
  ]),
  weightsSummary: absent('Use enableModelSummary.', [undefined, null]),
  progressBarRefreshRate: absent('Leave it out.', [undefined, null]),
  checkpointCallback: absent('Use enableCheckpointing.', [undefined, null]),
}

const CLIP_ALGORITHMS = ['norm', 'value']

/** Throws UNSUPPORTED for what is not there yet, BAD_ARGUMENT for a name that nobody knows or a value that is wrong anyway. */
export function checkSupported(options: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  for (const [name, value] of Object.entries(options)) {
    if (/^tpu/i.test(name) && value !== null && value !== undefined) throw noTpu(name)
    checkClipping(name, value)
    const missing = Object.hasOwn(ABSENT, name) ? ABSENT[name] : undefined
    if (missing) {
      if (missing.harmless.includes(value)) continue
      throw new RondoError(
        'UNSUPPORTED',
        `Trainer({ ${name}: ${describe(value)} }): ${name} is not part of this version. ${missing.instead} Arguments that are there: ${known.join(', ')}.`,
      )
    }
    if (known.includes(name) || /^tpu/i.test(name)) continue
    const near = nearest(name, known)
    throw new RondoError(
      'BAD_ARGUMENT',
      `Trainer({ ${name} }): there is no such argument. Allowed are ${known.join(', ')}. ${near ? `Did you mean ${near}?` : 'Correct the name.'}`,
    )
  }
}

function checkClipping(name: string, value: unknown): void {
  const bad =
    (name === 'gradientClipVal' && value !== undefined && value !== null && typeof value !== 'number') ||
    (name === 'gradientClipAlgorithm' && value !== undefined && !CLIP_ALGORITHMS.includes(value as string))
  if (!bad) return
  const allowed = name === 'gradientClipVal' ? 'a number' : '"norm" or "value"'
  throw new RondoError('BAD_ARGUMENT', `Trainer({ ${name}: ${describe(value)} }): allowed is ${allowed}. Correct it.`)
}

function noTpu(name: string): RondoError {
  return new RondoError(
    'UNSUPPORTED',
    `Trainer({ ${name} }): browsers have no access to TPUs. Allowed accelerators are webgpu, wasm and cpu. Use accelerator: "webgpu" or "wasm".`,
  )
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

/** The known name that differs only in case or underscores, or begins alike. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const flat = (text: string): string => text.toLowerCase().replaceAll('_', '')
  const wanted = flat(name)
  return (
    known.find((candidate) => flat(candidate) === wanted) ??
    known.find(
      (candidate) => wanted.length > 3 && (flat(candidate).startsWith(wanted) || wanted.startsWith(flat(candidate))),
    ) ??
    known.find((candidate) => wanted.length > 5 && flat(candidate).startsWith(wanted.slice(0, 6)))
  )
}

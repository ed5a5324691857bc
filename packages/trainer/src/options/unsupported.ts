/**
 * Arguments that Lightning has or had and that can mean nothing in a browser, or that are written elsewhere here:
 * refused by name, so that nothing is silently ignored. Not for: values that are wrong (kinds.ts).
 */
import { RondoError } from '@rondo/protocol'
import { show } from './kinds.ts'

/** By name: why not, and what to do instead. */
const GONE: Readonly<Record<string, string>> = {
  ipus: 'browsers have no access to IPUs. Use accelerator: "webgpu".',
  hpus: 'browsers have no access to HPUs. Use accelerator: "webgpu".',
  ampBackend:
    'there is one way of mixed precision here, and no NVIDIA apex. Use precision: "16-mixed" or "bf16-mixed".',
  autoLrFind: 'the trainer does not look for a learning rate. Set it in configureOptimizers.',
  autoScaleBatchSize: 'the trainer does not look for a batch size. Set it in the loader: { batchSize }.',
  terminateOnNan: 'use detectAnomaly: true, or EarlyStopping({ monitor, checkFinite: true }).',
  trackGradNorm: 'read the gradients in onBeforeOptimizerStep and log what you need.',
  truncatedBpttSteps: 'cut the sequence in the data set, or train in a loop of your own on Fabric.',
  moveMetricsToCpu: 'logged values are on the CPU already. Leave it out.',
  multipleTrainloaderMode: 'fit takes one train loader. Combine the data sets in one.',
  stochasticWeightAvg: 'use callbacks: [new StochasticWeightAveraging({ swaLrs })].',
  processPosition: 'bars are not stacked here. Leave it out.',
  flushLogsEveryNSteps: 'it is an option of CSVLogger: new CSVLogger({ flushLogsEveryNSteps }).',
  prepareDataPerNode: 'it is a field of modules and data modules. Set it there.',
  logGpuMemory: 'use callbacks: [new DeviceStatsMonitor()].',
}

const TPU = /^(tpu|xla)/i

/** Names that are flags too, so that they are refused there and do not pass for the script's own. */
export const GONE_ARGUMENTS: readonly string[] = [...Object.keys(GONE), 'tpuCores']

/**
 * Whether `name` is known and its value asks for nothing (`tpuCores: null`); false for a name that nobody knows.
 * @throws UNSUPPORTED for one that is known and cannot be
 */
export function checkPossible(name: string, value: unknown): boolean {
  if (!TPU.test(name) && !Object.hasOwn(GONE, name)) return false
  if (value === null || value === undefined) return true
  if (TPU.test(name)) {
    throw new RondoError(
      'UNSUPPORTED',
      `Trainer({ ${name}: ${show(value)} }): browsers have no access to TPUs. Allowed accelerators are webgpu, wasm and cpu. Use accelerator: "webgpu" or "wasm".`,
    )
  }
  if (value === false) return true
  throw new RondoError(
    'UNSUPPORTED',
    `Trainer({ ${name}: ${show(value)} }): ${name} is no argument here; allowed is to leave it out. Instead: ${GONE[name]}`,
  )
}

/** The known name that differs only in case or underscores, or begins alike. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const flat = (text: string): string => text.toLowerCase().replaceAll(/[_-]/g, '')
  const wanted = flat(name)
  return (
    known.find((candidate) => flat(candidate) === wanted) ??
    known.find(
      (candidate) => wanted.length > 3 && (flat(candidate).startsWith(wanted) || wanted.startsWith(flat(candidate))),
    ) ??
    known.find((candidate) => wanted.length > 5 && flat(candidate).startsWith(wanted.slice(0, 6)))
  )
}

/**
 * Spellings of Lightning 1.x, turned into today's arguments; each substitution adds one line to `notes`. Conflicts of
 * their own are refused before the strategy itself is looked at. Not for: reading `gpus` (fabric/devices.ts).
 */
import { parseGpus } from '@rondo/fabric'
import { MAX_MEMBERS, RondoError } from '@rondo/protocol'
import type { Callback } from '../callbacks/callback.ts'
import { ModelSummary } from '../callbacks/model-summary/model-summary.ts'
import { ProgressBar } from '../callbacks/progress-bar.ts'
import { given, show } from './kinds.ts'
import type { LegacyTrainerOptions, TrainerOptions } from './types.ts'

/** What 1.x took for `accelerator`, and `distributedBackend` for longer: strategies. `ddp_cpu` is ddp on the cpu. */
const STRATEGY_ACCELERATORS = [
  'dp',
  'ddp',
  'ddp2',
  'ddp_spawn',
  'ddp_cpu',
  'ddp_sharded',
  'ddp_sharded_spawn',
  'horovod',
]

/** Accelerators that are GPUs, in all their spellings. */
const GPU_NAMES = ['gpu', 'cuda', 'mps', 'webgpu', 'webgl']

/** The precision that each level of apex stood for. */
const AMP_PRECISION = { O0: '32-true', O1: '16-mixed', O2: '16-mixed', O3: '16-true' } as const

/** Today's arguments, and what of the old ones has no name today. */
export interface Modern {
  options: Omit<TrainerOptions, keyof LegacyTrainerOptions>
  /** Lines to print: what became what. */
  notes: string[]
  autoSelect: number | null
  resumeFromCheckpoint: string | null
}

/** Whether this accelerator is a strategy of 1.x. */
export function isStrategyAccelerator(value: unknown): boolean {
  return typeof value === 'string' && STRATEGY_ACCELERATORS.includes(value.trim().toLowerCase())
}

/** Throws CONFLICT for what contradicts itself, BAD_DEVICES for bad `gpus`, BAD_ARGUMENT for a bad `distributedBackend`. */
export function modernise(options: TrainerOptions): Modern {
  const { gpus, numProcesses, distributedBackend, replaceSamplerDdp, autoSelectGpus, ampLevel, ...rest } = options
  const { resumeFromCheckpoint, weightsSummary, progressBarRefreshRate, checkpointCallback, ...today } = rest
  const notes: string[] = []
  const modern: Modern['options'] = { ...today }
  const backend = backendOf(options, notes)
  const chosen = gpus === undefined ? null : readGpus(options)
  checkStrategy(options, backend, chosen)
  if (isStrategyAccelerator(modern.accelerator)) delete modern.accelerator
  if (backend !== null) modern.strategy = backend === 'ddp_cpu' ? 'ddp' : backend
  takeStrategyPlugin(modern, backend)
  takeCpuRanks(modern, backend, numProcesses, notes)
  if (gpus !== undefined && backend !== 'ddp_cpu') takeGpus(modern, gpus, chosen, notes)
  takeAmpLevel(modern, ampLevel, notes)
  const rename = <N extends keyof Modern['options']>(old: keyof TrainerOptions, name: N, value: unknown): void => {
    if (value === undefined) return
    if (options[name] !== undefined) throw both(old, value, name, options[name])
    modern[name] = value as Modern['options'][N]
    notes.push(`${given(old, value)}: taken as ${name}: ${show(value)}, its name today.`)
  }
  rename('replaceSamplerDdp', 'useDistributedSampler', replaceSamplerDdp)
  rename('checkpointCallback', 'enableCheckpointing', checkpointCallback)
  if (weightsSummary !== undefined) rename('weightsSummary', 'enableModelSummary', weightsSummary !== null)
  if (progressBarRefreshRate !== undefined) {
    rename('progressBarRefreshRate', 'enableProgressBar', progressBarRefreshRate > 0)
  }
  const made = [
    ...(weightsSummary === 'full' ? [new ModelSummary({ maxDepth: -1 })] : []),
    ...(progressBarRefreshRate ? [new ProgressBar({ refreshRate: progressBarRefreshRate })] : []),
  ]
  if (made.length > 0) modern.callbacks = [options.callbacks ?? [], made].flat() as Callback[]
  if (resumeFromCheckpoint) {
    notes.push(
      `${given('resumeFromCheckpoint', resumeFromCheckpoint)}: fit goes on from it, as with fit(model, { ckptPath }).`,
    )
  }
  return {
    options: modern,
    notes,
    autoSelect: autoSelectGpus === true ? autoSelection(gpus) : null,
    resumeFromCheckpoint: resumeFromCheckpoint ?? null,
  }
}

/** The strategy that 1.x's `accelerator` or `distributedBackend` names. */
function backendOf({ accelerator, distributedBackend, strategy }: TrainerOptions, notes: string[]): string | null {
  const byAccelerator = isStrategyAccelerator(accelerator) ? (accelerator as string) : null
  const old = distributedBackend ?? null
  if (old !== null && !isStrategyAccelerator(old)) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `${given('distributedBackend', old)}: allowed are ${STRATEGY_ACCELERATORS.join(', ')}. It is an old name: use strategy: "ddp".`,
    )
  }
  if (old !== null && byAccelerator !== null) throw both('distributedBackend', old, 'accelerator', byAccelerator)
  const name = old === null ? ('accelerator' as const) : ('distributedBackend' as const)
  const backend = old ?? byAccelerator
  if (backend === null) return null
  if (strategy !== undefined) throw both(name, backend, 'strategy', strategy)
  const becomes = backend === 'ddp_cpu' ? 'strategy: "ddp", accelerator: "cpu"' : `strategy: "${backend}"`
  notes.push(
    name === 'distributedBackend'
      ? `${given(name, backend)}: an old name; taken as ${becomes}.`
      : `${given(name, backend)}: an accelerator of Lightning 1.x; taken as ${becomes}.`,
  )
  return backend.trim().toLowerCase()
}

function readGpus({ gpus, devices, accelerator }: TrainerOptions): number[] | null {
  if (devices !== undefined) {
    throw new RondoError(
      'CONFLICT',
      `${given('gpus', gpus)} and ${given('devices', devices)}: both say how many devices. Allowed is one of the two: keep devices.`,
    )
  }
  // Slots are opened on demand, so any index may exist; which ones do is known when ranks are started.
  const chosen = parseGpus(gpus, MAX_MEMBERS, { option: 'Trainer({ gpus })' })
  const onCpu = typeof accelerator === 'string' && ['cpu', 'wasm'].includes(accelerator.trim().toLowerCase())
  if (chosen !== null && onCpu) {
    throw new RondoError(
      'CONFLICT',
      `${given('gpus', gpus)} and ${given('accelerator', accelerator)}: the GPUs would not be used. Allowed is one of the two: use devices for ranks on the CPU, or leave accelerator out.`,
    )
  }
  const onGpu = typeof accelerator === 'string' && GPU_NAMES.includes(accelerator.trim().toLowerCase())
  if (chosen === null && onGpu) {
    throw new RondoError(
      'CONFLICT',
      `${given('gpus', gpus)} and ${given('accelerator', accelerator)}: no GPU is asked for on an accelerator that is one. Allowed is one of the two: leave gpus out, or use accelerator: "wasm".`,
    )
  }
  return chosen
}

/** Refusals of strategies together with what 1.x lets people set beside them. */
function checkStrategy(options: TrainerOptions, backend: string | null, gpus: readonly number[] | null): void {
  const { strategy, numNodes = 1, ampLevel } = options
  const name = backend ?? (typeof strategy === 'string' ? strategy.trim().toLowerCase() : null)
  const called = backend === null ? given('strategy', strategy) : `Trainer with "${backend}"`
  const refuse = (what: string, why: string): RondoError => new RondoError('CONFLICT', `${called} and ${what}: ${why}`)
  if (name === 'dp' && numNodes > 1) {
    throw refuse(
      given('numNodes', numNodes),
      'dp works within one node, and nothing is switched by itself. Allowed are ddp and ddp2 on several nodes: use strategy: "ddp".',
    )
  }
  if (name === 'ddp_cpu' && gpus !== null) {
    throw refuse(
      given('gpus', options.gpus),
      'ddp_cpu trains on the CPU, so the GPUs would not be used. Allowed is numProcesses with ddp_cpu: leave gpus out, or use strategy: "ddp".',
    )
  }
  if (name === 'dp' && ampLevel === 'O2') {
    throw refuse(
      given('ampLevel', ampLevel),
      'O2 keeps weights in half precision, which dp cannot replicate. Allowed is O1 with dp: use strategy: "ddp".',
    )
  }
  if (name !== 'horovod') return
  const advice = 'allowed is 1; how many ranks there are is said to "rondo horovodrun -np N". Leave it out.'
  if (numNodes > 1) throw refuse(given('numNodes', numNodes), advice)
  if (gpus !== null && gpus.length > 1) throw refuse(given('gpus', options.gpus), advice)
}

/** `plugins: "ddp_sharded"` is a strategy; `accelerator: "ddp"` beside it says how ranks are started. */
function takeStrategyPlugin(modern: Modern['options'], backend: string | null): void {
  if (modern.plugins === undefined || modern.plugins === null) return
  const list = (Array.isArray(modern.plugins) ? modern.plugins : [modern.plugins]) as Array<string | object>
  const names = list.filter((item): item is string => typeof item === 'string')
  modern.plugins = list.filter((item): item is object => typeof item !== 'string')
  const [name] = names
  if (name === undefined) return
  if (names.length > 1) throw both('plugins', names[0], 'plugins', names[1])
  const fits = modern.strategy === undefined || (backend !== null && name.startsWith(backend))
  if (!fits) throw both('plugins', name, backend === null ? 'strategy' : 'accelerator', backend ?? modern.strategy)
  modern.strategy = name
}

/** `numProcesses` counts the ranks of ddp_cpu and means nothing elsewhere. */
function takeCpuRanks(
  modern: Modern['options'],
  backend: string | null,
  numProcesses: number | undefined,
  notes: string[],
): void {
  if (backend === 'ddp_cpu') {
    modern.accelerator = 'cpu'
    if (numProcesses === undefined) modern.devices ??= 1
    else if (modern.devices !== undefined) throw both('numProcesses', numProcesses, 'devices', modern.devices)
    else modern.devices = numProcesses
  } else if (numProcesses !== undefined) {
    notes.push(`${given('numProcesses', numProcesses)}: ignored; it counts the ranks of accelerator "ddp_cpu" only.`)
  }
}

function takeGpus(
  modern: Modern['options'],
  gpus: TrainerOptions['gpus'],
  chosen: number[] | null,
  notes: string[],
): void {
  if (modern.accelerator?.trim().toLowerCase() === 'auto') delete modern.accelerator
  if (chosen === null) {
    modern.accelerator ??= 'cpu'
    notes.push(`${given('gpus', gpus)}: no GPU, so accelerator "${modern.accelerator}" is used.`)
    return
  }
  modern.accelerator ??= 'webgpu'
  const all = gpus === -1 || gpus === '-1'
  modern.devices = all ? 'auto' : typeof gpus === 'number' ? gpus : chosen
  const several = all || chosen.length > 1
  const byItself = several && modern.strategy === undefined ? ', and strategy "ddp"' : ''
  notes.push(`${given('gpus', gpus)}: taken as devices: ${show(modern.devices)} on "${modern.accelerator}"${byItself}.`)
}

function takeAmpLevel(modern: Modern['options'], ampLevel: string | undefined, notes: string[]): void {
  if (ampLevel === undefined) return
  const precision = AMP_PRECISION[ampLevel as keyof typeof AMP_PRECISION]
  const short = { '16-mixed': '16', '32-true': '32', '16-true': '16-true' }[precision]
  const own = modern.precision === undefined ? null : String(modern.precision).trim().toLowerCase()
  if (own !== null && own !== precision && own !== short) {
    throw both('ampLevel', ampLevel, 'precision', modern.precision)
  }
  modern.precision = precision
  notes.push(`${given('ampLevel', ampLevel)}: a level of apex; taken as precision: "${precision}".`)
}

/** How many slots are to be chosen; null where `gpus` names them. */
function autoSelection(gpus: TrainerOptions['gpus']): number | null {
  if (gpus === 0 || gpus === null || gpus === undefined) {
    throw new RondoError(
      'BAD_DEVICES',
      `Trainer({ autoSelectGpus: true }) and ${gpus === undefined ? 'no gpus' : given('gpus', gpus)}: nothing is to be chosen. Allowed is gpus: k with k from 1, or -1 for all. Set gpus, or leave autoSelectGpus out.`,
    )
  }
  return typeof gpus === 'number' ? gpus : null
}

function both(name: string, value: unknown, other: string, otherValue: unknown): RondoError {
  return new RondoError(
    'CONFLICT',
    `${given(name, value)} and ${given(other, otherValue)}: they say the same thing twice. Allowed is one of the two: remove ${name}.`,
  )
}

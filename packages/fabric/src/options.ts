/**
 * Options of Fabric and how they meet the run's flags: the one connector after which nothing says "auto" or
 * compares two spellings. A value set on one side only wins; set on both, the normalised values must agree.
 */
import { normaliseAccelerator } from '@rondo/engine'
import type { Logger } from '@rondo/loggers'
import { MAX_MEMBERS, RondoError, type RunConfig } from '@rondo/protocol'
import { createStrategy, parseStrategyName, STRATEGY_NAMES, type Strategy, type StrategyName } from '@rondo/strategies'
import { parseCpuDevices, parseDevices } from './devices.ts'
import type { FabricCallback } from './logging/callbacks.ts'
import { checkCallbacks, checkLoggers } from './logging/options.ts'
import { checkRuns, checkSaidTwice, collectPlugins, describe, type Plugin, type Plugins } from './plugins/collect.ts'
import { type Precision, parsePrecision, shortNameNote } from './precision.ts'

/** Shards of parameters are moved at every layer: nothing for an interpreter. */
const NOT_ON_CPU = /^(fsdp|deepspeed_stage_3)(_|$)/
/** Where data parallel over the slots of one rank would gain nothing. */
const WITHOUT_SLOTS: readonly string[] = ['cpu', 'wasm']

const FORK_NOTE =
  'strategy "ddp_fork": a browser cannot fork a process, so ranks are started fresh; what the function uses is sent to them.'

/** Options of a Fabric, all optional; names and defaults are Lightning Fabric's. */
/** Said already on this page: a script, and a Trainer for each of its verbs, may make several Fabrics. */
const toldShortNames = new Set<string>()

/** Options of a Fabric, all optional; names and defaults are Lightning Fabric's. */
export interface FabricOptions {
  /** `auto`, `webgpu`, `webgl`, `wasm`, `cpu`; `gpu`, `cuda` and `mps` mean `webgpu`. */
  accelerator?: string
  /** A strategy's name or a strategy object. */
  strategy?: string | Strategy
  /** Ranks on each node: a count, a list of slots, or `auto`. */
  devices?: number | string | readonly number[]
  numNodes?: number
  precision?: string | number
  /** At most one each of Precision, CheckpointIO, ClusterEnvironment, Transport, Reducer. */
  plugins?: Plugin | readonly Plugin[]
  /** Objects whose methods `fabric.call` runs. */
  callbacks?: FabricCallback | readonly FabricCallback[]
  /** Get what `fabric.log` records, on rank 0. */
  loggers?: Logger | readonly Logger[]
}

export interface ResolvedOptions {
  /** Canonical accelerator name, or `auto` when nobody chose. */
  accelerator: string
  strategy: Strategy
  /** As it was chosen, `auto` when nobody did; null for a strategy object. */
  strategyName: StrategyName | null
  precision: Precision
  plugins: Plugins
  callbacks: readonly FabricCallback[]
  loggers: readonly Logger[]
  /** Lines to print once: substitutions that were made. */
  notes: string[]
}

export interface World {
  /** Ranks on this rank's node, and nodes, as the run has them. */
  devices: number
  numNodes: number
  /** Set for a job of a notebook, which counts devices over all nodes: ranks of the launch. */
  jobRanks?: number
}

/**
 * Resolves options against flags; `world` is null where ranks are still to be launched and nothing can be compared.
 * Throws CONFLICT naming option and both values, or the refusal of a bad value.
 */
export function resolveOptions(options: FabricOptions, config: RunConfig | null, world: World | null): ResolvedOptions {
  checkNumNodes(options.numNodes)
  let plugins = collectPlugins(options.plugins)
  if (plugins.Precision && options.precision !== undefined) {
    throw new RondoError(
      'CONFLICT',
      `precision is ${JSON.stringify(options.precision)} and plugins has ${describe(plugins.Precision)}, a Precision plugin. Allowed is one of the two. Choose one and remove the other.`,
    )
  }
  const notes: string[] = []
  const given = options.strategy ?? undefined
  if (given !== undefined && typeof given !== 'string') checkStrategyObject(given)
  const own = typeof given === 'object' ? given : null
  if (own) {
    checkSaidTwice(own, { accelerator: options.accelerator, precision: options.precision, plugins })
    plugins = collectPlugins(
      [...Object.values(plugins), own.checkpointIO, own.environment].filter((one) => one != null),
    )
  }
  const accelerator = choose(
    'accelerator',
    options.accelerator ?? own?.accelerator,
    config?.accelerator,
    config,
    (value) => {
      const { name, note } = normaliseAccelerator(value)
      if (note && !notes.includes(note)) notes.push(note)
      return name
    },
  )
  const parse = (value: string): StrategyName => strategyHere(value, accelerator, notes)
  const strategyName =
    typeof given === 'object' ? null : (choose('strategy', given, config?.strategy, config, parse) ?? 'auto')
  if (strategyName?.startsWith('ddp_fork')) notes.push(FORK_NOTE)
  const strategy =
    typeof given === 'object'
      ? given
      : createStrategy(strategyName ?? 'auto', strategyName === 'auto' ? nameOfAuto(options, config, world) : undefined)
  const inCode = asText(options.precision ?? own?.precision ?? plugins.Precision?.precision)
  const precision = choose('precision', inCode, config?.precision, config, (value) => {
    const note = shortNameNote(value)
    if (note && !toldShortNames.has(note)) notes.push(note)
    if (note) toldShortNames.add(note)
    return parsePrecision(value)
  })
  checkRuns(plugins)
  checkCpuDevices(accelerator, options.devices)
  if (world) checkWorld(options, config, world)
  return {
    accelerator: accelerator ?? 'auto',
    strategy,
    strategyName,
    precision: precision ?? '32-true',
    plugins,
    callbacks: checkCallbacks(options.callbacks),
    loggers: checkLoggers(options.loggers),
    notes,
  }
}

/** Throws BAD_ARGUMENT for what is neither a name nor a strategy. */
function checkStrategyObject(strategy: unknown): void {
  if (typeof Object(strategy).setupModel === 'function') return
  throw new RondoError(
    'BAD_ARGUMENT',
    `strategy is ${describe(strategy)}. Allowed are the names ${STRATEGY_NAMES.join(', ')}, and Strategy objects such as new DDPStrategy(). Choose one of these.`,
  )
}

/** A strategy's name as it counts on this accelerator; a name that stands for another one is noted. */
function strategyHere(value: string, accelerator: string | undefined, notes: string[]): StrategyName {
  const name = value.trim().toLowerCase()
  if (accelerator === 'cpu' && NOT_ON_CPU.test(name)) {
    throw new RondoError(
      'UNSUPPORTED',
      `strategy "${value}" with accelerator "cpu": it moves parameters at every layer, which the cpu backend is too slow for. Allowed are webgpu, and wasm for tests. Use accelerator "webgpu", or "wasm".`,
    )
  }
  if (name === 'dp' && accelerator !== undefined && WITHOUT_SLOTS.includes(accelerator)) {
    const note = `strategy "dp" becomes "ddp" on ${accelerator}: there a batch is shared among ranks, not among slots of one rank.`
    if (!notes.includes(note)) notes.push(note)
    return 'ddp'
  }
  return parseStrategyName(value)
}

/** What `auto` comes to: one device needs no strategy, a notebook starts ranks from a function, all else is ddp. */
function nameOfAuto(options: FabricOptions, config: RunConfig | null, world: World | null): string {
  if ((options.numNodes ?? world?.numNodes ?? 1) > 1) return 'ddp'
  // A script that began alone has one rank unless it asks for more; a notebook takes all devices.
  const asked = requestedDevices(options.devices) ?? (config ? 1 : null)
  const ranks = world ? (world.jobRanks ?? world.devices) : asked
  if (ranks === 1) return 'single_device'
  return world || config ? 'ddp' : 'ddp_notebook'
}

/** Throws what a Fabric with these options would, as far as it does not depend on where it is made. */
export function checkFabricOptions(options: FabricOptions): void {
  resolveOptions(options, null, null)
  requestedDevices(options.devices)
}

/** The one value of two sides. `auto` never conflicts: it takes the other side's value. */
function choose<T extends string>(
  option: 'accelerator' | 'strategy' | 'precision',
  inCode: string | undefined,
  byFlag: string | undefined,
  config: RunConfig | null,
  parse: (value: string) => T,
): T | undefined {
  const code = inCode === undefined ? undefined : parse(inCode)
  const flag = byFlag === undefined ? undefined : parse(byFlag)
  if (code === undefined || code === 'auto') return flag ?? code
  if (flag === undefined || flag === 'auto' || flag === code) return code
  if (!config?.explicit.includes(option)) return code
  throw conflict(option, code, flag)
}

function checkNumNodes(numNodes: unknown): void {
  if (numNodes === undefined) return
  if (typeof numNodes === 'number' && Number.isInteger(numNodes) && numNodes >= 1) return
  throw new RondoError(
    'BAD_ARGUMENT',
    `numNodes is ${JSON.stringify(numNodes)}; it must be a whole number of at least 1. Pass a number, such as numNodes: 2.`,
  )
}

/** Devices and nodes asked for in code against those the run has. */
function checkWorld(options: FabricOptions, config: RunConfig | null, world: World): void {
  const devices = requestedDevices(options.devices)
  const numNodes = options.numNodes ?? null
  if (world.jobRanks !== undefined) {
    checkJob(devices, world.jobRanks)
    return
  }
  compare('devices', devices, world.devices, config)
  compare('numNodes', numNodes, world.numNodes, config)
}

function compare(option: 'devices' | 'numNodes', wanted: number | null, given: number, config: RunConfig | null): void {
  if (wanted === null || wanted === given) return
  if (config?.explicit.includes(option)) throw conflict(option, String(wanted), String(given))
  throw new RondoError(
    'NOT_ENOUGH_DEVICES',
    `Fabric({ ${option}: ${wanted} }) needs ${wanted} and this run has ${given}. Start it with "rondo run --${option === 'devices' ? 'devices' : 'num-nodes'} ${wanted}", or leave the option out to take what is there.`,
    { details: { option, wanted, given } },
  )
}

/** A Fabric built inside a launched function: what it asks for is what the launch already gave. */
function checkJob(devices: number | null, ranks: number): void {
  if (devices === null || devices === ranks) return
  throw new RondoError(
    'NOT_ENOUGH_DEVICES',
    `Fabric({ devices: ${devices} }) was made in one of ${ranks} launched ranks. Launch with { devices: ${devices} }, or leave the option out inside the function.`,
    { details: { option: 'devices', wanted: devices, given: ranks } },
  )
}

/** On the CPU devices are only counted: there is no list to choose from. */
function checkCpuDevices(accelerator: string | undefined, devices: FabricOptions['devices']): void {
  if (accelerator !== 'cpu' && accelerator !== 'wasm') return
  if (devices !== undefined && devices !== 'auto') parseCpuDevices(devices)
}

/**
 * Number of devices an option asks for; null when it leaves the number open: `auto`, and −1 for all. Slots are opened on
 * demand, so any index exists.
 */
export function requestedDevices(devices: FabricOptions['devices']): number | null {
  const all = devices === -1 || (typeof devices === 'string' && devices.trim() === '-1')
  if (devices === undefined || devices === 'auto' || all) return null
  return parseDevices(devices, MAX_MEMBERS).length
}

function conflict(option: string, inCode: string, byFlag: string): RondoError {
  return new RondoError(
    'CONFLICT',
    `${option} is ${inCode} in Fabric({ ${option} }) and ${byFlag} on the command line; they must agree. Remove one of the two.`,
  )
}

function asText(value: string | number | undefined): string | undefined {
  return value === undefined ? undefined : String(value)
}

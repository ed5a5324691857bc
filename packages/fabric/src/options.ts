/**
 * Options of Fabric and how they meet the run's flags: the one connector after which nothing says "auto" or
 * compares two spellings. A value set on one side only wins; set on both, the normalised values must agree.
 */
import { normaliseAccelerator } from '@rondo/engine'
import { MAX_MEMBERS, RondoError, type RunConfig } from '@rondo/protocol'
import { DdpStrategy, parseStrategyName, type Strategy } from '@rondo/strategies'
import { parseDevices } from './devices.ts'
import { type Precision, parsePrecision } from './precision.ts'

export interface FabricOptions {
  /** `auto`, `webgpu`, `webgl`, `wasm`, `cpu`; `gpu`, `cuda` and `mps` mean `webgpu`. */
  accelerator?: string
  /** A strategy's name or a strategy object. */
  strategy?: string | Strategy
  /** Ranks on each node: a count, a list of slots, or `auto`. */
  devices?: number | string | readonly number[]
  numNodes?: number
  precision?: string | number
}

export interface ResolvedOptions {
  /** Canonical accelerator name, or `auto` when nobody chose. */
  accelerator: string
  strategy: Strategy
  precision: Precision
  /** Lines to print once: substitutions that were made. */
  notes: string[]
}

export interface World {
  /** Ranks on this rank's node, and nodes, as the run has them. */
  devices: number
  numNodes: number
}

/** Resolves options against flags. Throws CONFLICT naming option and both values, or the refusal of a bad value. */
export function resolveOptions(options: FabricOptions, config: RunConfig | null, world: World): ResolvedOptions {
  checkNumNodes(options.numNodes)
  const notes: string[] = []
  const accelerator = choose('accelerator', options.accelerator, config?.accelerator, config, (value) => {
    const { name, note } = normaliseAccelerator(value)
    if (note && !notes.includes(note)) notes.push(note)
    return name
  })
  const strategy =
    typeof options.strategy === 'object'
      ? options.strategy
      : strategyOf(choose('strategy', options.strategy, config?.strategy, config, parseStrategyName))
  const precision = choose('precision', asText(options.precision), config?.precision, config, parsePrecision)
  checkWorld(options, config, world)
  return { accelerator: accelerator ?? 'auto', strategy, precision: precision ?? '32-true', notes }
}

function strategyOf(name: string | undefined): Strategy {
  return new DdpStrategy({ findUnusedParameters: name === 'ddp_find_unused_parameters_true' })
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

/** Number of devices an option asks for; null when it leaves the number open. Slots are opened on demand, so any index exists. */
function requestedDevices(devices: FabricOptions['devices']): number | null {
  if (devices === undefined || devices === 'auto' || String(devices).trim() === '-1') return null
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

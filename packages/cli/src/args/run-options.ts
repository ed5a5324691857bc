/**
 * What `rondo run` was asked to do, with every value checked: the flags of the table become one typed
 * record. Not for: files, browsers or ports, which are looked at later.
 */
import { parseDevices } from '@rondo/fabric/devices'
import {
  BACKENDS,
  DEBUG_LEVELS,
  DEFAULT_MAIN_PORT,
  DEFAULT_START_TIMEOUT_S,
  DEFAULT_STEP_TIMEOUT_S,
  MAX_SLOTS_PER_PAGE,
  type ProcessGroupBackend,
  RondoError,
  type RunConfig,
} from '@rondo/protocol'
import type { InterfaceWish } from '../run/interfaces.ts'
import { checkThreads, debugFromVariables, readVariable } from './environment.ts'
import { BACKEND_ALIASES, type Flag, RUN_FLAGS } from './flags.ts'
import { type SplitArguments, type SplitOptions, splitArguments } from './split.ts'

export interface RunOptions {
  script: string
  scriptArgs: string[]
  accelerator: string | undefined
  strategy: string | undefined
  precision: string | undefined
  /** Ranks that this node brings. */
  devices: number
  numNodes: number
  nodeRank: number | undefined
  mainAddress: string
  mainPort: number
  /** True if the person chose the port; only an unchosen one may move. */
  mainPortGiven: boolean
  session: string
  /** Shared secret of all machines (`RONDO_TOKEN`); without it the script's content lets agents in. */
  token: string | undefined
  headed: boolean
  browser: string | undefined
  /** The network interface that WebRTC shall keep to, as it was asked for. */
  interface: InterfaceWish | undefined
  /** The only local UDP ports of WebRTC, `first-last` as Chromium writes it. */
  udpPorts: string | undefined
  invite: boolean
  startTimeoutSeconds: number
  stepTimeoutSeconds: number
  backend: ProcessGroupBackend
  debug: RunConfig['debug']
  report: string | undefined
  logDir: string | undefined
  timeline: string | undefined
  /** `rondo exec`: one rank, whose launch() may ask for more. */
  growable: boolean
  /** Only print what would start. */
  dryRun: boolean
  /** Settings the person gave, for the conflict rule between flags and code. */
  explicit: RunConfig['explicit']
  /** Lines to print before work starts: what was taken for what. */
  notes: string[]
}

/** What `RONDO_TOKEN` may be: it stands in links. */
const TOKEN = /^[A-Za-z0-9._~-]{8,128}$/

/** Either the options, or what was asked for instead of a run. */
export type ParsedRun = { asks: 'help' | 'version' } | { asks: null; options: RunOptions }

export interface ParseRunOptions extends SplitOptions {
  /** The command's own table, `rondo run`'s by default. */
  flags?: Readonly<Record<string, Flag>>
}

/**
 * @param words everything after `rondo run` (or `rondo exec`, `rondo serve`)
 * @throws BAD_ARGUMENT or BAD_DEVICES: the flag, the value, what is allowed, what to do
 */
export function parseRun(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  { flags = RUN_FLAGS, ...split }: ParseRunOptions = {},
): ParsedRun {
  const { values, script, scriptArgs } = withoutModelWord(splitArguments(words, flags, split))
  if (values.get('help') === true) return { asks: 'help' }
  if (values.get('version') === true) return { asks: 'version' }
  if (script === undefined) {
    const command = split.command ?? 'rondo run'
    throw new RondoError(
      'BAD_ARGUMENT',
      `SCRIPT is missing: ${command} needs the path of a .ts or .js file. Write ${command} [OPTIONS] SCRIPT [SCRIPT_ARGS].`,
    )
  }
  const text = (name: string): string | undefined => values.get(name) as string | undefined
  const number = (name: string): number | undefined => values.get(name) as number | undefined
  refuseUnsupported(values)
  checkThreads(environment)

  const numNodes = number('num-nodes') ?? 1
  const nodeRank = number('node-rank')
  if (nodeRank !== undefined && nodeRank >= numNodes) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `--node-rank=${nodeRank}: with --num-nodes=${numNodes} it must lie in 0..${numNodes - 1}. Correct one of the two.`,
    )
  }
  const notes: string[] = []
  const backend = text('process-group-backend') ?? 'auto'
  const alias = BACKEND_ALIASES[backend]
  if (alias !== undefined) notes.push(`--process-group-backend=${backend} is read as ${alias}`)
  const portText = readVariable('MASTER_PORT', environment)
  return {
    asks: null,
    options: {
      script,
      scriptArgs,
      accelerator: text('accelerator'),
      strategy: text('strategy'),
      precision: text('precision'),
      devices: deviceCount(text('devices'), number('slots')),
      numNodes,
      nodeRank,
      mainAddress: text('main-address') ?? readVariable('MASTER_ADDR', environment) ?? '127.0.0.1',
      mainPort: number('main-port') ?? portFromVariable(portText) ?? DEFAULT_MAIN_PORT,
      mainPortGiven: values.has('main-port') || portText !== undefined,
      session: sessionName(text('session')),
      token: sessionToken(environment['RONDO_TOKEN']),
      headed: isHeaded(values),
      browser: text('browser'),
      interface: interfaceWish(text('interface'), environment),
      udpPorts: udpPorts(text('udp-port-range')),
      invite: values.get('invite') === true,
      startTimeoutSeconds: number('timeout') ?? DEFAULT_START_TIMEOUT_S,
      stepTimeoutSeconds: number('step-timeout') ?? DEFAULT_STEP_TIMEOUT_S,
      backend: alias ?? BACKENDS.find((name) => name === backend) ?? 'auto',
      debug: DEBUG_LEVELS.find((level) => level === text('debug')) ?? debugFromVariables(environment),
      report: text('report'),
      logDir: text('log-dir'),
      timeline: text('timeline'),
      growable: split.command === 'rondo exec',
      dryRun: values.get('dry-run') === true,
      explicit: explicitSettings(values),
      notes,
    },
  }
}

/** Fabric's command before 2.3 was `run model SCRIPT`; a script's name has an ending, so the word cannot be one. */
function withoutModelWord(split: SplitArguments): SplitArguments {
  const [next, ...rest] = split.scriptArgs
  const isOlder = split.script === 'model' && next !== undefined && /^[^-].*\.[mc]?[jt]sx?$/.test(next)
  return isOlder ? { ...split, script: next, scriptArgs: rest } : split
}

/**
 * `auto` and -1 mean the fixed slots, else the adapters of the machine: one, because a browser shows its pages only the
 * adapter that it runs on itself. A count grows this node to fit.
 */
function deviceCount(given: string | undefined, slots: number | undefined): number {
  if (given === undefined) return 1
  const all = given.trim() === 'auto' || given.trim() === '-1'
  const available = slots ?? (all ? 1 : MAX_SLOTS_PER_PAGE)
  return parseDevices(given.trim(), available, { option: '--devices' }).length
}

function portFromVariable(given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  const port = Number(given)
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  throw new RondoError(
    'BAD_ARGUMENT',
    `MASTER_PORT=${given}: an integer from 1 to 65535 is needed. Correct the variable or use --main-port.`,
  )
}

function interfaceWish(
  given: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): InterfaceWish | undefined {
  if (given !== undefined) return { source: '--interface', value: given }
  for (const source of ['GLOO_SOCKET_IFNAME', 'NCCL_SOCKET_IFNAME']) {
    const value = readVariable(source, environment)
    if (value !== undefined) return { source, value }
  }
  return undefined
}

function udpPorts(given: string | undefined): string | undefined {
  if (given === undefined) return undefined
  const [, first, last] = /^\s*(\d{1,5})\s*:\s*(\d{1,5})\s*$/.exec(given) ?? []
  const [from, to] = [Number(first), Number(last)]
  if (from >= 1 && to <= 65_535 && from <= to) return `${from}-${to}`
  throw new RondoError(
    'BAD_ARGUMENT',
    `--udp-port-range=${given}: two ports from 1 to 65535 are needed, the lower one first, such as 40000:40199. Every connection of a rank takes one port for each address of this machine; give a wide range, or leave it out.`,
  )
}

function sessionName(given: string | undefined): string {
  const name = given ?? 'default'
  if (/^[A-Za-z0-9._-]{1,64}$/.test(name)) return name
  throw new RondoError(
    'BAD_ARGUMENT',
    `--session=${name}: allowed are up to 64 letters, digits and the signs . _ -. Choose such a name.`,
  )
}

function sessionToken(given: string | undefined): string | undefined {
  if (given === undefined || given === '' || TOKEN.test(given)) return given || undefined
  throw new RondoError(
    'BAD_ARGUMENT',
    'RONDO_TOKEN: 8 to 128 letters, digits and the signs . _ ~ - are allowed. Set such a value on all machines, or unset it.',
  )
}

function isHeaded(values: ReadonlyMap<string, unknown>): boolean {
  const headed = values.get('headed')
  const headless = values.get('headless')
  if (headed !== undefined && headed === headless) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `--headed=${headed} and --headless=${headless} contradict each other. Give one of the two; without either the browser has no windows.`,
    )
  }
  return headed === true || headless === false
}

function explicitSettings(values: ReadonlyMap<string, unknown>): RunConfig['explicit'] {
  const names = {
    accelerator: 'accelerator',
    strategy: 'strategy',
    precision: 'precision',
    devices: 'devices',
  } as const
  const given: RunConfig['explicit'] = Object.values(names).filter((name) => values.has(name))
  if (values.has('num-nodes')) given.push('numNodes')
  return given.filter((name) => !(name !== 'numNodes' && values.get(name) === 'auto'))
}

function refuseUnsupported(values: ReadonlyMap<string, string | number | boolean>): void {
  const environment = values.get('environment')
  if (environment !== undefined && environment !== 'own') {
    throw new RondoError(
      'UNSUPPORTED',
      `--environment=${environment}: this version knows only "own". Leave it out and give --num-nodes, --node-rank and --main-address.`,
    )
  }
}

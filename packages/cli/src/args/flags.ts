/**
 * The flags of `rondo run` as a table: kind, choices, bounds and one line of help each. The parser and
 * the help text both come from here. Not for: what a value means (run-options.ts).
 */
import { PRECISIONS, SHORT_PRECISIONS } from '@rondo/fabric/precision'
import {
  BACKENDS,
  DEBUG_LEVELS,
  DEFAULT_MAIN_PORT,
  DEFAULT_START_TIMEOUT_S,
  DEFAULT_STEP_TIMEOUT_S,
} from '@rondo/protocol'
import { STRATEGY_NAMES } from '@rondo/strategies/names'

export type FlagKind =
  | { kind: 'text'; placeholder: string }
  | { kind: 'choice'; choices: readonly string[]; hidden?: readonly string[] }
  | { kind: 'integer'; min: number; max: number }
  | { kind: 'number'; min: number }
  | { kind: 'switch' }

export type Flag = FlagKind & { help: string }

export const ACCELERATOR_CHOICES = ['auto', 'webgpu', 'webgl', 'wasm', 'cpu', 'gpu', 'cuda', 'mps'] as const
/** Strategies that a command line can start; the function-launched ones need code to call them, the others options. */
export const STRATEGY_CHOICES: readonly string[] = STRATEGY_NAMES.filter(
  (name) => !/spawn|fork|notebook|offload|post_/.test(name),
)
export const PRECISION_CHOICES: readonly string[] = [...PRECISIONS, ...SHORT_PRECISIONS]
/** Names that torch users type; each stands for one of the backends. */
export const BACKEND_ALIASES: Readonly<Record<string, (typeof BACKENDS)[number]>> = {
  messageport: 'port',
  broadcastchannel: 'port',
  websocket: 'relay',
  nccl: 'auto',
  gloo: 'auto',
  mpi: 'auto',
}
export const ENVIRONMENT_CHOICES = ['own', 'torchrun', 'slurm', 'lsf', 'mpi', 'kubeflow'] as const

const COUNT_MAX = 2 ** 31 - 1

/** By dashed name, without the leading dashes; underscores are accepted for every dash. */
export const RUN_FLAGS: Readonly<Record<string, Flag>> = {
  accelerator: { kind: 'choice', choices: ACCELERATOR_CHOICES, help: 'what to compute on' },
  strategy: { kind: 'choice', choices: STRATEGY_CHOICES, help: 'how the ranks share the work' },
  devices: { kind: 'text', placeholder: 'N|LIST|auto', help: 'ranks on this node: a count, a list of slots, or auto' },
  'num-nodes': { kind: 'integer', min: 1, max: COUNT_MAX, help: 'machines that take part' },
  'node-rank': { kind: 'integer', min: 0, max: COUNT_MAX, help: 'number of this machine; else the server decides' },
  'main-address': { kind: 'text', placeholder: 'HOST', help: 'where the server is (127.0.0.1)' },
  'main-port': { kind: 'integer', min: 1, max: 65_535, help: `port of the server (${DEFAULT_MAIN_PORT})` },
  precision: { kind: 'choice', choices: PRECISION_CHOICES, help: 'numbers used in training' },
  session: { kind: 'text', placeholder: 'NAME', help: 'meeting place on the server (default)' },
  slots: { kind: 'integer', min: 1, max: 32, help: 'fix the number of slots of this node' },
  headless: { kind: 'switch', help: 'browser without windows (the default)' },
  headed: { kind: 'switch', help: 'browser with windows' },
  browser: { kind: 'text', placeholder: 'PATH', help: 'the Chrome, Chromium or Edge to use' },
  invite: { kind: 'switch', help: 'print URL and QR code by which another browser joins as a node, or looks in' },
  timeout: { kind: 'number', min: 1, help: `seconds to wait for all ranks (${DEFAULT_START_TIMEOUT_S})` },
  'step-timeout': { kind: 'number', min: 1, help: `seconds one collective may take (${DEFAULT_STEP_TIMEOUT_S})` },
  'process-group-backend': {
    kind: 'choice',
    choices: BACKENDS,
    hidden: Object.keys(BACKEND_ALIASES),
    help: 'what carries gradients (auto)',
  },
  interface: { kind: 'text', placeholder: 'NAME|IP', help: 'network interface of WebRTC' },
  'udp-port-range': { kind: 'text', placeholder: 'A:B', help: 'UDP ports of WebRTC' },
  debug: { kind: 'choice', choices: DEBUG_LEVELS, help: 'how much to tell (off)' },
  report: { kind: 'text', placeholder: 'FILE', help: 'write the run report there too' },
  timeline: { kind: 'text', placeholder: 'FILE', help: 'write a trace of every phase' },
  'log-dir': { kind: 'text', placeholder: 'DIR', help: "also write each rank's output to rank.<r>/stdout and stderr" },
  environment: { kind: 'choice', choices: ENVIRONMENT_CHOICES, help: 'cluster environment (detected)' },
  'dry-run': { kind: 'switch', help: 'print what would start, and start nothing' },
  help: { kind: 'switch', help: 'print this' },
  version: { kind: 'switch', help: 'print the version' },
}

/** What `rondo exec` leaves to the script's code: its Fabric or Trainer says who takes part and how. */
const SET_BY_CODE = [
  'accelerator',
  'strategy',
  'devices',
  'num-nodes',
  'node-rank',
  'precision',
  'slots',
  'environment',
]

/** Flags of `rondo exec`: where and how the page opens. */
export const EXEC_FLAGS: Readonly<Record<string, Flag>> = Object.fromEntries(
  Object.entries(RUN_FLAGS).filter(([name]) => !SET_BY_CODE.includes(name)),
)

/** Flags of `rondo consolidate`. */
export const CONSOLIDATE_FLAGS: Readonly<Record<string, Flag>> = {
  'output-file': { kind: 'text', placeholder: 'FILE', help: 'where the one file goes (FOLDER.consolidated)' },
}

/** Flags of `rondo serve` alone. */
export const SERVE_ONLY_FLAGS: Readonly<Record<string, Flag>> = {
  'allow-import': {
    kind: 'text',
    placeholder: 'HOST,…',
    help: 'further hosts whose https modules cells may import; none for no host at all',
  },
  'no-open': { kind: 'switch', help: 'do not open the notebook in a browser' },
}

/** How a flag's value is written in help and refusals. */
export function valueHint(flag: Flag): string {
  switch (flag.kind) {
    case 'text':
      return flag.placeholder
    case 'choice':
      return 'NAME'
    case 'integer':
    case 'number':
      return 'N'
    case 'switch':
      return ''
    default:
      return flag satisfies never
  }
}

/** The help line of a flag, with its choices. */
export function helpText(flag: Flag): string {
  return flag.kind === 'choice' ? `${flag.help}: ${flag.choices.join(', ')}` : flag.help
}

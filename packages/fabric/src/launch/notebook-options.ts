/**
 * The options of `notebookLauncher`, checked: those that mean something here, those that are accepted at their default
 * only, and refusals by name. Not for: launching.
 */
import { RondoError } from '@rondo/protocol'

/** Options of `notebookLauncher`; names and defaults are Accelerate's. */
export interface NotebookLauncherOptions {
  /** Ranks; all devices of the session when left out. */
  numProcesses?: number
  /** `no`; `fp16` and `bf16` are known, and chosen in the function: `new Fabric({ precision: 'bf16-mixed' })`. */
  mixedPrecision?: 'no' | 'fp16' | 'bf16' | 'fp8'
  /** How often a failed launch is started anew. */
  maxRestarts?: number
  /** 1: other machines join the session by its link, and their devices count like local ones. */
  numNodes?: number
  nodeRank?: number
  /** Accepted at upstream's defaults: the session's server is where ranks meet. */
  usePort?: string | number
  masterAddr?: string
  rdzvBackend?: string
  rdzvEndpoint?: string
  rdzvConf?: unknown
  rdzvId?: string
  monitorInterval?: number
  logLinePrefixTemplate?: string
}

const PRECISIONS = ['no', 'fp16', 'bf16', 'fp8'] as const

/** Options of torch's rendezvous and what upstream takes for them; the session's server does their work. */
const RENDEZVOUS: Readonly<Record<string, unknown>> = {
  usePort: '29500',
  masterAddr: '127.0.0.1',
  rdzvBackend: 'static',
  rdzvEndpoint: '',
  rdzvConf: undefined,
  rdzvId: 'none',
  monitorInterval: 0.1,
  logLinePrefixTemplate: undefined,
}

const OWN = ['numProcesses', 'mixedPrecision', 'maxRestarts', 'numNodes', 'nodeRank']

/** Throws BAD_ARGUMENT for a value or name that does not exist, UNSUPPORTED for one that this version does not do. */
export function checkOptions(call: string, options: NotebookLauncherOptions): void {
  const known = [...OWN, ...Object.keys(RENDEZVOUS)]
  for (const [name, value] of Object.entries(options)) {
    if (!known.includes(name)) {
      throw bad(`${call}: there is no option ${name}. Known are ${known.join(', ')}. Correct or remove it.`)
    }
    if (OWN.includes(name) || value === undefined || value === null) continue
    if (value === RENDEZVOUS[name] || String(value) === String(RENDEZVOUS[name])) continue
    throw unsupported(
      `${call}: ${name} is ${JSON.stringify(value)}, but ranks meet at the session's server, so it has no meaning here. Remove it; other machines join by the session's link.`,
    )
  }
  checkPrecision(call, options.mixedPrecision ?? 'no')
  checkWhole(call, 'maxRestarts', options.maxRestarts ?? 0, 0)
  checkNodes(call, options.numNodes ?? 1, options.nodeRank ?? 0)
}

function checkPrecision(call: string, value: unknown): void {
  if (value === 'no') return
  if (!PRECISIONS.includes(value as never)) {
    throw bad(
      `${call}: mixedPrecision is ${JSON.stringify(value)}; known are ${PRECISIONS.join(', ')}. Use "no" for 32-bit training.`,
    )
  }
  if (value === 'fp8') {
    throw unsupported(
      `${call}: mixedPrecision "fp8" is refused: it needs fp8 units that browsers do not reach. Allowed is "no". Use "no".`,
    )
  }
  const precision = value === 'fp16' ? '16-mixed' : 'bf16-mixed'
  throw unsupported(
    `${call}: mixedPrecision "${value}" is refused: a launch does not carry it to the Fabric that the function makes. Allowed is "no". Use "no", and new Fabric({ precision: "${precision}" }) in the function.`,
  )
}

function checkNodes(call: string, numNodes: unknown, nodeRank: unknown): void {
  const nodes = checkWhole(call, 'numNodes', numNodes, 1)
  if (typeof nodeRank !== 'number' || !Number.isInteger(nodeRank) || nodeRank < 0 || nodeRank >= nodes) {
    throw bad(
      `${call}: nodeRank is ${JSON.stringify(nodeRank)} and numNodes is ${nodes}; nodeRank must be from 0 to numNodes − 1. Correct one of the two.`,
    )
  }
  if (nodes === 1) return
  throw unsupported(
    `${call}: numNodes is ${nodes}, but one notebook launches for all machines of its session. Let the others join by the session's link and count their devices in numProcesses.`,
  )
}

function checkWhole(call: string, name: string, value: unknown, min: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min) return value
  throw bad(
    `${call}: ${name} is ${JSON.stringify(value)}; it must be a whole number of at least ${min}. Correct or remove it.`,
  )
}

function bad(message: string): RondoError {
  return new RondoError('BAD_ARGUMENT', message)
}

function unsupported(message: string): RondoError {
  return new RondoError('UNSUPPORTED', message)
}

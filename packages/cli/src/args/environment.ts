/**
 * The environment variables that the terminal hands on to every rank, and the older spellings that stand
 * for flags. `RONDO_X` wins over X when both are set. Not for: variables of one rank (RANK, WORLD_SIZE …),
 * which Fabric's connector sets inside it.
 */

import { RondoError } from '@rondo/protocol'

type Environment = Readonly<Record<string, string | undefined>>

/** Names that mean something inside a rank. */
const FORWARDED = ['PL_GLOBAL_SEED', 'PL_SEED_WORKERS', 'OMP_NUM_THREADS', 'TORCH_DISTRIBUTED_DEBUG', 'NCCL_DEBUG']
const FORWARDED_PREFIXES = ['PL_TRAINER_', 'TORCHELASTIC_', 'PET_']
const OWN_PREFIX = 'RONDO_'
/** Everybody in a session sees the launch message, so what opens doors must not be in it. */
const SECRET = /TOKEN|SECRET|PASSWORD/i
/** Longest value that the launch message takes. */
const MAX_VALUE_CHARS = 4096

/** Reads a variable; the spelling `RONDO_<NAME>` wins. Empty counts as unset. */
export function readVariable(name: string, environment: Environment): string | undefined {
  return environment[`RONDO_${name}`] || environment[name] || undefined
}

/**
 * The variables that travel in the launch message, as a plain record. `RONDO_PL_GLOBAL_SEED` arrives as
 * `PL_GLOBAL_SEED` and wins over it, so that code in a rank looks in one place only.
 */
export function forwardedVariables(environment: Environment): Record<string, string> {
  const given: Record<string, string> = {}
  const own: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (!value || value.length > MAX_VALUE_CHARS || !/^[A-Za-z0-9_]{1,64}$/.test(name) || SECRET.test(name)) continue
    const older = name.startsWith(OWN_PREFIX) ? name.slice(OWN_PREFIX.length) : null
    if (older !== null && isForwarded(older)) own[older] = value
    else if (older !== null || isForwarded(name)) given[name] = value
  }
  return { ...given, ...own }
}

function isForwarded(name: string): boolean {
  return FORWARDED.includes(name) || FORWARDED_PREFIXES.some((prefix) => name.startsWith(prefix))
}

/** `--debug` as older variables ask for it: WARN and VERSION mean off, INFO info, TRACE and DETAIL detail. */
export function debugFromVariables(environment: Environment): 'off' | 'info' | 'detail' {
  const asked = (readVariable('TORCH_DISTRIBUTED_DEBUG', environment) ?? readVariable('NCCL_DEBUG', environment) ?? '')
    .trim()
    .toUpperCase()
  if (asked === 'INFO') return 'info'
  return asked === 'DETAIL' || asked === 'TRACE' ? 'detail' : 'off'
}

/**
 * File for what only `--debug` tells, after NCCL_DEBUG_FILE: `%h` is the host's name, `%p` the number of this process.
 */
export function debugFile(environment: Environment, host: string, pid: number): string | undefined {
  return readVariable('NCCL_DEBUG_FILE', environment)?.replaceAll('%h', host).replaceAll('%p', String(pid))
}

/** Refuses OMP_NUM_THREADS where it is no count: every rank would meet it. */
export function checkThreads(environment: Environment): void {
  const given = readVariable('OMP_NUM_THREADS', environment)
  if (given === undefined || /^\s*[1-9]\d{0,3}\s*$/.test(given)) return
  throw new RondoError(
    'BAD_ARGUMENT',
    `OMP_NUM_THREADS=${given}: an integer from 1 to 9999 is needed, the threads of one rank on wasm. Correct the variable, or unset it to share the cores out.`,
  )
}

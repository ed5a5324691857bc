/**
 * The environment variables that the terminal hands on to every rank, and the older spellings that stand
 * for flags. `RONDO_X` wins over X when both are set. Not for: variables of one rank (RANK, WORLD_SIZE …),
 * which Fabric's connector sets inside it.
 */

type Environment = Readonly<Record<string, string | undefined>>

/** Names that mean something inside a rank. */
const FORWARDED = ['PL_GLOBAL_SEED', 'PL_SEED_WORKERS', 'OMP_NUM_THREADS', 'TORCH_DISTRIBUTED_DEBUG', 'NCCL_DEBUG']
const FORWARDED_PREFIXES = ['PL_TRAINER_', 'TORCHELASTIC_', 'PET_', 'RONDO_']
/** Longest value that the launch message takes. */
const MAX_VALUE_CHARS = 4096

/** Reads a variable; the spelling `RONDO_<NAME>` wins. Empty counts as unset. */
export function readVariable(name: string, environment: Environment): string | undefined {
  return environment[`RONDO_${name}`] || environment[name] || undefined
}

/** The variables that travel in the launch message, as a plain record. */
export function forwardedVariables(environment: Environment): Record<string, string> {
  const result: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || value.length > MAX_VALUE_CHARS || !/^[A-Za-z0-9_]{1,64}$/.test(name)) continue
    if (FORWARDED.includes(name) || FORWARDED_PREFIXES.some((prefix) => name.startsWith(prefix))) result[name] = value
  }
  return result
}

/** `--debug` as older variables ask for it: WARN and VERSION mean off, INFO info, TRACE and DETAIL detail. */
export function debugFromVariables(environment: Environment): 'off' | 'info' | 'detail' {
  const asked = (readVariable('TORCH_DISTRIBUTED_DEBUG', environment) ?? readVariable('NCCL_DEBUG', environment) ?? '')
    .trim()
    .toUpperCase()
  if (asked === 'INFO') return 'info'
  return asked === 'DETAIL' || asked === 'TRACE' ? 'detail' : 'off'
}

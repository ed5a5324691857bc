/**
 * `initProcessGroup` for scripts in torch's style: the world is there already when a script runs, so joining it means
 * checking that it is the one that the script means. Not for: making groups.
 */
import { BACKENDS, RondoError } from '@rondo/protocol'
import type { RankContext } from '../context.ts'

export interface InitOptions {
  /** `auto`, `webrtc`, `port`, `relay`; torch's `nccl`, `gloo` and `mpi` mean auto. The run has chosen before. */
  backend?: string
  /** Only `env://`: the world is what `env` describes. */
  initMethod?: string
  worldSize?: number
  rank?: number
}

/** Torch's backends, which say nothing about browsers. */
const TORCH_BACKENDS: readonly string[] = ['nccl', 'gloo', 'mpi']

/** Throws unless a run described a world to this rank. */
export function requireWorld(context: RankContext): void {
  if (context.config !== null) return
  throw new RondoError(
    'NOT_LAUNCHED',
    'collectives: there is no world here, as WORLD_SIZE and RANK are not set. They are allowed in the ranks of a run. Start the script with "rondo run --devices N SCRIPT".',
  )
}

export async function joinWorld(context: RankContext, options: InitOptions): Promise<void> {
  const { backend = 'auto', initMethod = 'env://', worldSize, rank } = options
  const known = [...BACKENDS, ...TORCH_BACKENDS]
  if (!known.includes(backend.toLowerCase())) {
    throw bad('backend', backend, known.join(', '), 'Leave it out for auto.')
  }
  if (initMethod !== 'env://') throw bad('initMethod', initMethod, '"env://"', 'Leave it out.')
  if (context.config === null) {
    throw new RondoError(
      'NOT_LAUNCHED',
      `initProcessGroup({ initMethod: "env://" }): WORLD_SIZE and RANK are not set, so there is no world to join. It is allowed in the ranks of a run. Start the script with "rondo run --devices N SCRIPT".`,
    )
  }
  const { group } = context
  if (worldSize !== undefined && worldSize !== group.worldSize) {
    throw bad('worldSize', worldSize, `${group.worldSize}, the run's`, 'Leave it out to take what is there.')
  }
  if (rank !== undefined && rank !== group.rank) {
    throw bad('rank', rank, `${group.rank}, which the server gave`, 'Leave it out.')
  }
  if (TORCH_BACKENDS.includes(backend.toLowerCase()) && context.localRank === 0 && !told.has(context)) {
    console.info(`initProcessGroup: backend "${backend}" means "auto" here: each pair takes the cheapest carrier.`)
  }
  told.add(context)
}

/** Ranks that joined: one line is enough. */
const told = new WeakSet<RankContext>()

function bad(option: string, value: unknown, allowed: string, next: string): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `initProcessGroup: ${option} is ${JSON.stringify(value)}; allowed is ${allowed}. ${next}`,
  )
}

/**
 * The way into a process group: checks that the links fit the world, warms them up, agrees on the cost model.
 * Not for: making links (transport) or giving out ranks (signaling server).
 */
import { DEFAULT_STEP_TIMEOUT_S, RondoError } from '@rondo/protocol'
import type { Link } from '@rondo/transport'
import { bad, checkRank, checkTimeout } from './arguments.ts'
import type { CostModel } from './cost-model.ts'
import { GroupCore } from './group/core.ts'
import { MeshGroup } from './mesh-group.ts'
import type { ProcessGroup } from './process-group.ts'
import { SingleGroup } from './single-group.ts'
import { flatTopology, type Place, topologyOf } from './topology.ts'
import { warmUp } from './warm-up.ts'

export interface ProcessGroupOptions {
  rank: number
  worldSize: number
  /** Counts changes of membership; frames of older ones are dropped. */
  generation: number
  /** One link to every other rank. They belong to the group from now on: it closes them, and sets their handlers. */
  links: ReadonlyMap<number, Link>
  /** Node of each rank as people know it, by rank; used in errors. */
  nodeLabels: readonly string[]
  /**
   * Where each rank is, by rank, as its seat says; equal on all ranks. Neighbours in the ring and the groups of
   * two-level algorithms follow from it. Without it every rank counts as alone on its machine.
   */
  places?: readonly Place[] | undefined
  /** Milliseconds that an operation may take, and the warm-up; 60 s by default. */
  timeoutMs?: number | undefined
  /** Aborting it fails the group on every rank, at any time. */
  signal?: AbortSignal | undefined
  /** Skips measuring. All ranks should pass the same; the worst of each number counts. */
  costModel?: CostModel | undefined
}

/**
 * Joins the ranks into a group; every rank must call it. Throws BAD_ARGUMENT for a missing or surplus link,
 * TIMEOUT and RANK_LOST when a rank does not come. A world of one gets `singleProcessGroup`.
 */
export async function createProcessGroup(options: ProcessGroupOptions): Promise<ProcessGroup> {
  const { rank, worldSize, generation, links, nodeLabels, places, signal, costModel } = options
  const call = 'createProcessGroup'
  if (!Number.isInteger(worldSize) || worldSize < 1) {
    throw bad(call, `worldSize ${worldSize}`, 'an integer from 1', 'Pass the number of ranks.')
  }
  checkRank(call, 'rank', rank, worldSize)
  const timeoutMs = checkTimeout(call, options.timeoutMs ?? 1000 * DEFAULT_STEP_TIMEOUT_S)
  if (worldSize === 1) return new SingleGroup(generation)
  const expected = Array.from({ length: worldSize }, (_, r) => r).filter((r) => r !== rank)
  const missing = expected.filter((r) => !links.has(r))
  if (missing.length > 0 || links.size !== worldSize - 1) {
    throw bad(
      call,
      `links to ranks ${[...links.keys()].join(', ') || 'none'}`,
      `one to each of ${expected.join(', ')}`,
      'Connect all ranks first.',
    )
  }
  if (places !== undefined && places.length !== worldSize) {
    throw bad(call, `${places.length} places`, `one for each of ${worldSize} ranks`, 'Pass the seats of the run.')
  }
  const topology = places === undefined ? flatTopology(worldSize) : topologyOf(places)
  const labels = Array.from({ length: worldSize }, (_, r) => nodeLabels[r] ?? `node of rank ${r}`)
  const core = new GroupCore({ rank, worldSize, generation, links, labels, topology })
  try {
    const group = new MeshGroup(core, await warmUp(core, costModel, timeoutMs, signal), timeoutMs)
    signal?.addEventListener('abort', () => group.abort(stopped(rank, signal.reason)), { once: true })
    return group
  } catch (error) {
    await core.close(false)
    throw error
  }
}

/** A world of one rank: every operation is local, and not a byte is sent. */
export function singleProcessGroup(): ProcessGroup {
  return new SingleGroup(0)
}

function stopped(rank: number, reason: unknown): RondoError {
  if (reason instanceof RondoError) return reason
  const why = reason instanceof Error ? reason.message : String(reason)
  return new RondoError('ABORTED', `The process group was aborted on rank ${rank}: ${why}.`, { rank, cause: reason })
}

/**
 * One rank, many jobs: a notebook keeps its ranks warm and gives them one launch or cell after another. Each job gets
 * a context of its own; group, links and device stay. Not for: which jobs come, or what they run (the app).
 */

import { getShuffleSeed, setShuffleSeed, setWorkerSeed } from '@rondo/data'
import { randomState, recordTensors, restoreRandomState, type TensorRecord, tf, unseedEverything } from '@rondo/engine'
import { RondoError, type RunConfig } from '@rondo/protocol'
import { baseRankContext, enterContext, RankContext } from '../context.ts'

export interface JobOptions {
  /**
   * A `launch` starts from a defined state and frees what it leaves; a `cell` goes on where the last one stopped, and
   * what it makes stays.
   */
  kind: 'launch' | 'cell'
  /** Values of this job in the place of the run's own. */
  config?: Partial<RunConfig>
}

interface Job {
  context: RankContext
  abort: AbortController
  tensors: TensorRecord | null
}

let job: Job | null = null

/**
 * Starts a job: its context has a reporter, models and resolved options of its own and is what `new Fabric()` finds
 * from now on. The one before must have been disposed.
 */
export function nextRankContext(options: JobOptions): RankContext {
  if (job) {
    throw new RondoError('CONFLICT', 'nextRankContext(): a job runs here already. Call disposeJob() when it has ended.')
  }
  const base = baseRankContext()
  const abort = new AbortController()
  const isLaunch = options.kind === 'launch'
  const context = new RankContext({
    group: base.group,
    seats: base.seats,
    config: base.config && { ...base.config, ...options.config },
    accelerator: base.accelerator,
    files: base.files,
    emit: base.emit,
    handOver: base.handOver,
    download: base.download,
    // What a cell makes is used by later cells, so an interrupted cell must not spoil it: its waits end by the group.
    signal: isLaunch ? AbortSignal.any([base.signal, abort.signal]) : base.signal,
    fail: base.fail,
    commands: base.commands,
    regroup: base.regroup,
    job: options.kind,
    session: base.session,
    spans: base.spans,
  })
  if (isLaunch) {
    unseedEverything()
    setShuffleSeed(0)
    setWorkerSeed(null)
  }
  job = { context, abort, tensors: isLaunch ? recordTensors() : null }
  enterContext(context)
  return context
}

/**
 * Ends every wait of the job: collectives reject on this rank and, told by it, on all others. The group is of no use
 * afterwards; `regroup` makes the next one. Without a job it only aborts the group.
 */
export function abortJob(error: RondoError): void {
  const context = job?.context ?? baseRankContext()
  // The group first: operations that hear of it by the signal would only say that they were aborted.
  context.group.abort(error)
  job?.abort.abort(error)
}

/**
 * Ends the job: a launch's tensors and variables are freed, tfjs's backend is the rank's own again, and the rank's
 * first context is current. Harmless without a job.
 */
export async function disposeJob(): Promise<void> {
  const ended = job
  if (!ended) return
  job = null
  ended.context.reporter.flush()
  await ended.context.finalizeLoggers('success')
  const base = baseRankContext()
  enterContext(base)
  ended.tensors?.disposeAll()
  const backend = base.accelerator?.name
  if (ended.context.job === 'launch' && backend && tf.getBackend() !== backend) await tf.setBackend(backend)
}

/**
 * Collective: all ranks of the run join a new group on the same links, a generation later, after a job that failed.
 * Everything that holds the group goes on with the new one. Rejects when a rank does not come.
 */
export function regroup(): Promise<void> {
  return baseRankContext().regroup()
}

/** Random state of a caller, for ranks that are to go on from it. JSON. */
export interface CallerRandomness {
  generator: readonly [number, number, number, number] | null
  shuffleSeed: number
}

export function callerRandomness(): CallerRandomness {
  return { generator: randomState(), shuffleSeed: getShuffleSeed() }
}

export function adoptRandomness({ generator, shuffleSeed }: CallerRandomness): void {
  if (generator) restoreRandomState(generator)
  setShuffleSeed(shuffleSeed)
}

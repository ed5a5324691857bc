/**
 * One job from its program to its results: stored, commanded, followed, fetched. A failing launch ends the ranks, a
 * failing cell leaves them idle. Not for: which ranks there are (rank-pool.ts).
 */
import { RondoError } from '@rondo/protocol'
import { CellFailure } from '../kernel/client.ts'
import type { Job } from '../rank/messages.ts'
import type { PoolEvent } from './events.ts'
import { JobWatch } from './job-watch.ts'
import type { RankRun } from './rank-run.ts'
import type { RunFolder } from './run-folder.ts'

/** Milliseconds for an idle rank to take a job; only one whose worker never yields misses it. */
const TAKE_TIMEOUT_MS = 30_000
/** Milliseconds that news of another rank's failure waits for that rank's own word. */
const OWN_WORD_MS = 1_500
/** Milliseconds for the server to find out that a rank is gone, which says so with its node and last step. */
const VERDICT_MS = 4_000
/** Milliseconds for the other ranks to stop after one failed or the person pressed Stop once. */
const LET_GO_MS = 60_000
/** Milliseconds for stopped ranks to tidy up, as their page gives them. */
const TIDY_UP_MS = 2_000
/** Milliseconds for all ranks to form a new group. */
const REGROUP_TIMEOUT_MS = 15_000

export interface JobOrder {
  run: RankRun
  folder: RunFolder
  job: Job
  ranks: readonly number[]
  program: ArrayBuffer | Uint8Array<ArrayBuffer>
  signal: AbortSignal
  tell: (event: PoolEvent) => void
}

/**
 * Runs the job; resolves with the encoded values by rank. Rejects with CellFailure (a rank's error, with its rank and
 * node), with the end of the run, or with the signal's reason.
 */
export async function runJob(order: JobOrder): Promise<Map<number, ArrayBuffer>> {
  const { run, folder, job, ranks, program, signal, tell } = order
  const watch = new JobWatch(job.job, ranks, folder, tell)
  const stopListening = run.listen(watch)
  const askedAt = performance.now()
  try {
    await folder.put(job.file, program, signal)
    await run.command(ranks, { do: 'job', job, token: folder.token }, signal)
    await run.until(() => watch.allStarted || watch.failures.length > 0, {
      signal,
      timeoutMs: TAKE_TIMEOUT_MS,
      what: () =>
        `${watch.silent.map((rank) => run.describe(rank)).join(', ')} did not take the job within ${TAKE_TIMEOUT_MS / 1000} s: something there never yields. Launch again to start new ranks.`,
    })
    tell({ type: 'started', milliseconds: performance.now() - askedAt })
    await run.until(() => watch.failures.length > 0 || watch.allEnded, { signal, timeoutMs: null, what: () => '' })
    if (watch.failures.length > 0) throw await failureOf(order, watch)
    return await results(order, watch)
  } catch (thrown) {
    const cause = watch.culprit === undefined ? thrown : cellFailure(watch.culprit.error)
    await settle(order, watch, cause)
    throw cause
  } finally {
    await watch.shown()
    stopListening()
    folder.remove([job.file, ...[...watch.done.values()].filter((file) => file !== null)])
  }
}

/** The error to show: what a rank's own code threw, if it says so in time; else who is gone, before who only heard of it. */
async function failureOf({ run, signal }: JobOrder, watch: JobWatch): Promise<Error> {
  const settled = (timeoutMs: number, done: () => boolean): Promise<void> =>
    run
      .until(() => watch.culprit !== undefined || watch.allEnded || done(), { signal, timeoutMs, what: () => '' })
      .catch((thrown: unknown) => {
        if (signal.aborted || run.ended !== null) throw thrown
      })
  await settled(OWN_WORD_MS, () => watch.lost !== undefined)
  if (watch.culprit === undefined && watch.lost !== undefined) await settled(VERDICT_MS, () => false)
  const failure = watch.culprit ?? watch.lost ?? watch.failures[0]
  return failure === undefined
    ? (run.ended ?? new Error('invariant violation: no failure'))
    : cellFailure(failure.error)
}

async function results({ folder, signal }: JobOrder, watch: JobWatch): Promise<Map<number, ArrayBuffer>> {
  const values = [...watch.done].flatMap(([rank, file]) => (file === null ? [] : [{ rank, file }]))
  const entries = values.map(async ({ rank, file }) => [rank, await folder.get(file, signal)] as const)
  return new Map(await Promise.all(entries))
}

/** Leaves the ranks as the next job wants them: a launch's are ended, a cell's idle and in one group again. */
async function settle(order: JobOrder, watch: JobWatch, cause: unknown): Promise<void> {
  const { run, job, tell } = order
  if (run.ended !== null) return
  const error =
    cause instanceof RondoError ? cause : new RondoError('RANK_FAILED', messageOf(cause), rankOf(watch, run))
  if (job.kind === 'launch' || !watch.allStarted) {
    await run.stop(error.code === 'ABORTED' ? 'stopped in the notebook' : error.message, failed(error)).catch(() => {})
    // What `finally` blocks of the other ranks print is worth reading too.
    await run.until(() => watch.allEnded, { timeoutMs: TIDY_UP_MS, what: () => '', pastEnd: true }).catch(() => {})
    return
  }
  try {
    const { code, name, message } = error
    if (watch.running.length > 0) {
      await run.command(watch.running, { do: 'interrupt', job: job.job, error: { code, name, message } })
    }
    await run.until(() => watch.allEnded, {
      timeoutMs: LET_GO_MS,
      what: () =>
        `${watch.running.map((rank) => run.describe(rank)).join(', ')} did not stop within ${LET_GO_MS / 1000} s, so all ranks were ended. Start new ones with %dist_init.`,
    })
    await askAll(run, 'regroup', job.job, REGROUP_TIMEOUT_MS)
  } catch (thrown) {
    if (run.ended !== null) return
    const why = thrown instanceof RondoError ? thrown : new RondoError('RANK_FAILED', messageOf(thrown))
    tell({
      type: 'rank',
      rank: 0,
      event: { kind: 'console', level: 'error', text: `The persistent ranks were ended: ${why.message}` },
    })
    await run.stop(why.message, why).catch(() => {})
  }
}

/** Sends a question to all ranks and waits for every answer; rejects with the first answer that is an error. */
export async function askAll(
  run: RankRun,
  question: 'sync' | 'regroup',
  id: number,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const answer = question === 'sync' ? 'synced' : 'regrouped'
  const waiting = new Set(run.members.keys())
  let failure: RondoError | null = null
  const stop = run.listen({
    onEvent: () => {},
    onEnd: () => {},
    onMessage: (rank, message) => {
      if (message.type !== answer || message.id !== id) return
      waiting.delete(rank)
      if (message.error !== null && failure === null) {
        failure = new RondoError(message.error.code, message.error.message, { rank })
      }
    },
  })
  try {
    await run.command(null, { do: question, id }, signal)
    await run.until(() => waiting.size === 0, {
      ...(signal === undefined ? {} : { signal }),
      timeoutMs,
      what: () =>
        `${[...waiting].map((rank) => run.describe(rank)).join(', ')} did not answer within ${timeoutMs / 1000} s. Press Stop, then try again.`,
    })
  } finally {
    stop()
  }
  if (failure !== null) throw failure
}

function cellFailure(error: CellFailure['cellError']): CellFailure {
  return new CellFailure(error)
}

/** A person's stop is not a failure of the run. */
function failed(error: RondoError): RondoError | undefined {
  return error.code === 'ABORTED' ? undefined : error
}

function rankOf(watch: JobWatch, run: RankRun): { rank?: number; node?: string } {
  const rank = watch.culprit?.rank
  return rank === undefined ? {} : { rank, node: run.seats[rank]?.nodeLabel ?? '' }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

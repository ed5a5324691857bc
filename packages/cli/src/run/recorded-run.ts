/**
 * One run from opening to its last line: the controller's part that `rondo run` and `rondo serve` share.
 * Opens the run, shows and records it, and stops it when asked to. Not for: servers, browsers and tabs.
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RunConfig, type RunReport, toWireError, type WireError } from '@rondo/protocol'
import type { SignalingClient } from '@rondo/transport'
import type { ScriptBundle } from '../assets/bundle.ts'
import { runsFolder, shownPath } from '../paths.ts'
import { RankLogs } from '../report/rank-logs.ts'
import { RunRecorder } from '../report/recorder.ts'
import { TimelineFile } from '../report/timeline-file.ts'
import { RunView } from '../terminal/run-view.ts'
import type { Screen } from '../terminal/screen.ts'
import { stackMapper } from '../terminal/stack-map.ts'
import { type EndedRun, followRun, type RunListener } from './follow.ts'

/** Milliseconds in which stopped ranks run their `finally` blocks; the page ends them then. */
const STOP_GRACE_MS = 2_000
/** Milliseconds in which the server itself notices a lost rank: its heartbeat and some more. */
const SERVER_VERDICT_MS = 5_000
/** Milliseconds for the server to say that a stopped run has ended. */
const STOP_ANSWER_MS = 5_000

export interface RecordedRunOptions {
  client: SignalingClient
  config: RunConfig
  /** Slots of each node, null for everybody who is present. */
  nodes: number[] | null
  script: ScriptBundle
  screen: Screen
  /** The first abort stops the run gracefully. */
  signal: AbortSignal
  report?: string | undefined
  logDir?: string | undefined
  /** Where the timeline goes; the config must ask for it too. */
  timeline?: string | undefined
  /** What the run's program tells its controller. */
  onMessage?: (rank: number, data: unknown) => void
  /** True for a failure after which the caller starts anew: the attempt then leaves no folder and no lines. */
  restartOn?: (error: WireError) => boolean
}

export interface RecordedRun {
  /** Ends the run as failed, for something that no rank can report. */
  fail(error: WireError): void
  /** Resolves when the run has ended and its report is written; null when `restartOn` said so. */
  readonly ended: Promise<RunReport | null>
}

/** Opens the run; the promise rejects if the server refuses to. */
export async function openRecordedRun(options: RecordedRunOptions): Promise<RecordedRun> {
  const { client, config, screen, signal } = options
  const { runId } = config
  const folder = join(runsFolder(), runId)
  const recorder = new RunRecorder({
    runId,
    script: shownPath(options.script.path),
    folder,
    copyTo: options.report,
  })
  const view = new RunView({ screen, mapStack: stackMapper(options.script.map), debug: config.debug })
  const logs = options.logDir === undefined ? null : new RankLogs(options.logDir)
  const timeline = options.timeline === undefined ? null : new TimelineFile(options.timeline)
  const giveUp = new AbortController()
  let failure: WireError | null = null
  let wasRunning = false

  const listener: RunListener = {
    state(run, serverTime) {
      wasRunning ||= run.status === 'running'
      recorder.state(run)
      timeline?.state(run)
      view.state(run, serverTime)
    },
    event(rank, event) {
      recorder.event(rank, event)
      view.event(rank, event)
      if (event.kind === 'console') logs?.write(rank, event)
      if (event.kind === 'message') options.onMessage?.(rank, event.data)
      if (event.kind === 'timeline') timeline?.event(rank, event)
    },
  }
  const followed = followRun(client, (id) => id === runId, listener, giveUp.signal)

  const stop = (reason: string, error?: WireError): void => {
    client
      .request('run:stop', { runId, reason, ...(error === undefined ? {} : { error }) })
      .catch(() => giveUp.abort(new Error('the server does not answer')))
    setTimeout(() => giveUp.abort(new Error('the server did not end the run')), STOP_ANSWER_MS).unref()
  }
  const onInterrupt = (): void => stop('stopped at the terminal')

  try {
    const { run } = await client.request('run:open', { config, nodes: options.nodes })
    listener.state(run, Date.now())
  } catch (thrown) {
    view.close()
    followed.close()
    throw thrown
  }
  if (signal.aborted) onInterrupt()
  else signal.addEventListener('abort', onInterrupt, { once: true })

  const finish = async (): Promise<RunReport | null> => {
    const end = await followed.ended.catch(
      (thrown): EndedRun =>
        signal.aborted
          ? { status: 'stopped', error: null }
          : { status: 'failed', error: failure ?? toWireError(thrown) },
    )
    signal.removeEventListener('abort', onInterrupt)
    screen.clear()
    if (end.error !== null && options.restartOn?.(end.error)) {
      followed.close()
      await logs?.close()
      await rm(folder, { recursive: true, force: true })
      return null
    }
    if (end.status !== 'done' && wasRunning) await sleep(STOP_GRACE_MS)
    followed.close()
    const report = await recorder.finish(end)
    await logs?.close()
    for (const line of (await timeline?.finish()) ?? []) screen.line(line)
    view.end(report, `${shownPath(folder)}/`, await filesIn(folder))
    return report
  }
  return {
    fail(error) {
      failure = error
      const verdict = (): void => stop(error.message.slice(0, 100), error)
      // Of a rank that took part the server knows more: its last step, its last sign of life.
      if (wasRunning) setTimeout(verdict, SERVER_VERDICT_MS).unref()
      else verdict()
    },
    ended: finish().finally(() => view.close()),
  }
}

/** What lies in the run's folder, the report first. */
async function filesIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.'))
  return names.sort((a, b) => Number(b === 'report.json') - Number(a === 'report.json') || a.localeCompare(b))
}

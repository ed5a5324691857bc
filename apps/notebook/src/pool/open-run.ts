import { type ProcessGroupBackend, RondoError, type RunConfig, type RunState } from '@rondo/protocol'
import { OPENER } from '../rank/messages.ts'
import type { PoolEvent } from './events.ts'
import type { RankPoolOptions } from './options.ts'
import { RankRun } from './rank-run.ts'
import { RunFolder } from './run-folder.ts'
import type { Slot } from './slots.ts'

/** The program of a notebook's ranks, as the build names it. */
const SCRIPT_URL = '/runtime/notebook-rank.js'
/** Seconds: all slots are there already, so only workers and links have to start. */
const START_TIMEOUT_S = 120
const STEP_TIMEOUT_S = 60

/** What ranks must be like to be used again. */
export interface RunShape {
  slots: readonly Slot[]
  accelerator: string | null
  processGroupBackend: ProcessGroupBackend
}

export interface OpenedRun {
  run: RankRun
  folder: RunFolder
}

export function sameShape({ run }: OpenedRun, shape: RunShape): boolean {
  return (
    run.config.processGroupBackend === shape.processGroupBackend &&
    (run.config.accelerator ?? null) === shape.accelerator &&
    run.members.length === shape.slots.length &&
    run.members.every((memberId, rank) => memberId === shape.slots[rank]?.memberId)
  )
}

/** Resolves when every rank waits for a job. On failure nothing is left behind. */
export async function openRun(
  options: RankPoolOptions,
  shape: RunShape,
  signal: AbortSignal,
  tell: (event: PoolEvent) => void,
): Promise<OpenedRun> {
  const { client, origin, joinToken, controlToken } = options
  const pageId = options.localPageId()
  await freeSession(options, pageId, signal)
  const runId = newRunId()
  const direct = options.directRanks()
  const folder = new RunFolder({
    origin,
    runId,
    joinToken,
    controlToken,
    handedOver: (name) => direct?.takeFile(runId, name) ?? null,
  })
  await folder.create(signal)
  const run = new RankRun(
    client,
    configOf(runId, shape, options.scriptUrl ?? SCRIPT_URL, pageId),
    shape.slots.map(({ memberId }) => memberId),
    direct && { ranks: direct, areAll: shape.slots.every(({ local }) => local) },
  )
  let told = false
  const tellState = (state: RunState): void => {
    tell(told ? { type: 'run', run: state } : { type: 'open', run: state, warm: false })
    told = true
  }
  const stopListening = run.listen({
    onState: tellState,
    onEvent: (rank, event) => tell({ type: 'rank', rank, event }),
    onMessage: () => {},
    onEnd: () => {},
  })
  try {
    await run.open(signal)
    return { run, folder }
  } catch (thrown) {
    // A run that was refused is not there; one that did not get ready is ended.
    if (run.state !== null) await run.stop('it could not be started').catch(() => {})
    run.dispose()
    throw thrown
  } finally {
    stopListening()
  }
}

/** A notebook's run whose page is gone holds its ranks for ever: it is ended. Others are asked. */
async function freeSession(
  { client, askOthers }: RankPoolOptions,
  pageId: string | null,
  signal: AbortSignal,
): Promise<void> {
  const snapshot = client.snapshot
  const run = snapshot?.run
  if (!snapshot || !run || (run.status !== 'waiting' && run.status !== 'running')) return
  const opener = run.config.env[OPENER]
  const isHere = snapshot.members.some((member) => member.pageId === opener)
  if (opener !== undefined && (opener === (pageId ?? '') || (opener !== '' && !isHere))) {
    await client.request('run:stop', { runId: run.runId, reason: 'the notebook that opened it is gone' })
    return
  }
  if (opener !== undefined && (await askOthers?.(signal)) === true) return
  signal.throwIfAborted()
  const whose =
    opener === undefined
      ? `it is at run ${run.runId} (${run.config.script.name})`
      : `another notebook (${snapshot.members.find((member) => member.pageId === opener)?.nodeLabel}) is using its ranks`
  throw new RondoError(
    'RUN_ACTIVE',
    `The session has one run at a time, and ${whose}. Wait for its end or stop it there, then launch again.`,
  )
}

function configOf(runId: string, shape: RunShape, url: string, pageId: string | null): RunConfig {
  const nodes = new Map<string, number>()
  for (const { nodeId } of shape.slots) nodes.set(nodeId, (nodes.get(nodeId) ?? 0) + 1)
  return {
    runId,
    script: { name: 'notebook', url, hash: 'runtime' },
    args: [],
    ...(shape.accelerator === null ? {} : { accelerator: shape.accelerator }),
    devices: Math.max(...nodes.values()),
    numNodes: nodes.size,
    explicit: [],
    processGroupBackend: shape.processGroupBackend,
    startTimeoutSeconds: START_TIMEOUT_S,
    stepTimeoutSeconds: STEP_TIMEOUT_S,
    debug: 'off',
    env: { [OPENER]: pageId ?? '' },
  }
}

/** `20260131-142530-x7k2m1`: sorts by time, like the runs of scripts. */
function newRunId(now = new Date()): string {
  const two = (n: number): string => String(n).padStart(2, '0')
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`
  const time = `${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`
  const random = crypto.getRandomValues(new Uint32Array(1))[0] as number
  return `${day}-${time}-${random.toString(36).padStart(7, '0')}`
}

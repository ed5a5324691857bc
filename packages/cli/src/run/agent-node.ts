/**
 * `rondo run` on a further node: dials the main node until it answers, is given a node rank, serves pages at
 * localhost of its own machine and opens its tabs there. Ends with the run, with its status.
 */
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { RondoError } from '@rondo/protocol'
import type { SignalingClient } from '@rondo/transport'
import { ensureAssets } from '../assets/build.ts'
import { bundleScript } from '../assets/bundle.ts'
import { createPageHandler } from '../http/handler.ts'
import { DIST } from '../paths.ts'
import { exitCodeOfRun } from '../process/exit-code.ts'
import { RankLogs } from '../report/rank-logs.ts'
import { RunView } from '../terminal/run-view.ts'
import { stackMapper } from '../terminal/stack-map.ts'
import { dial } from './dial.ts'
import { followRun, type RunListener } from './follow.ts'
import type { NodeCommand } from './main-node.ts'
import { openTabs } from './node.ts'

/** Milliseconds between two attempts to reach a main node that is not up yet. */
const RETRY_MS = 1_000
/** Milliseconds in which stopped ranks run their `finally` blocks; the page ends them then. */
const STOP_GRACE_MS = 2_000
/** Milliseconds for the server to say that a stopped run has ended. */
const STOP_ANSWER_MS = 3_000
/** Refusals that waiting does not change. */
const FINAL: ReadonlySet<string> = new Set([
  'BAD_TOKEN',
  'NODE_RANK_TAKEN',
  'PLAN_MISMATCH',
  'BAD_MESSAGE',
  'UNSUPPORTED',
])

/** @returns the command's exit code */
export async function runAgentNode({
  windows,
  options,
  script,
  screen,
  cleanup,
  signal,
}: NodeCommand): Promise<number> {
  const main = `http://${options.mainAddress}:${options.mainPort}`
  const [bundle] = await Promise.all([bundleScript(script), ensureAssets(signal, (line) => screen.line(line))])
  const pages = createServer(createPageHandler({ dist: DIST, source: { main } }))
  await new Promise<void>((resolve, reject) => pages.once('error', reject).listen(0, '127.0.0.1', resolve))
  cleanup.add(pages, () => {
    pages.closeAllConnections()
    pages.close()
  })
  const origin = `http://localhost:${(pages.address() as AddressInfo).port}`

  const nodeId = randomUUID()
  const label = hostname().slice(0, 120)
  const hello = {
    node: { id: nodeId, label, rank: options.nodeRank ?? null, host: label },
    plan: {
      numNodes: options.numNodes,
      devices: options.devices,
      strategy: options.strategy ?? null,
      precision: options.precision ?? null,
      scriptHash: bundle.hash,
    },
  }
  const deadline = Date.now() + options.startTimeoutSeconds * 1000
  screen.line(`Waiting for the main node at ${main}`)
  const { client, admitted } = await retry(deadline, signal, main, async () => {
    const { session, token } = options
    const dialled = await dial({ url: main, session, role: 'agent', ...(token === undefined ? {} : { token }) }, signal)
    try {
      const admitted = await dialled.request('agent:hello', hello)
      if (admitted.controlToken === null) return { client: dialled, admitted }
      // Nobody would open the run in a session that this hello has just made on somebody else's server.
      throw new RondoError('UNKNOWN_SESSION', `the server there has no session ${session}`)
    } catch (thrown) {
      dialled.close()
      throw thrown
    }
  })
  cleanup.add(client, () => client.close())
  screen.line(`Node rank ${admitted.nodeRank} of ${options.numNodes}; opening ${options.devices} tabs`)

  const view = cleanup.add(new RunView({ screen, mapStack: stackMapper(bundle.map), debug: options.debug }), (opened) =>
    opened.close(),
  )
  const logs =
    options.logDir === undefined ? null : cleanup.add(new RankLogs(options.logDir), (opened) => opened.close())
  const own = new Set<number>()
  const listener: RunListener = {
    state(run, serverTime) {
      for (const seat of run.seats) if (seat.nodeId === nodeId) own.add(seat.rank)
      view.state(run, serverTime)
    },
    event(rank, event) {
      view.event(rank, event)
      // The main node keeps those of all ranks.
      if (event.kind === 'console' && own.has(rank)) logs?.write(rank, event)
    },
  }
  const followed = cleanup.add(
    followRun(client, () => true, listener, stoppable(client, signal)),
    (opened) => opened.close(),
  )
  await openTabs({
    windows,
    options,
    plan: {
      origin,
      server: main,
      session: options.session,
      joinToken: admitted.joinToken,
      nodeId,
      label,
    },
    screen,
    cleanup,
    onLost: (error) => screen.line(error.message),
  })
  const end = await followed.ended
  // Stopped ranks have a moment for their last words.
  if (end.status !== 'done') await sleep(STOP_GRACE_MS)
  if (end.error !== null) view.error(end.error)
  screen.clear()
  screen.line(`The run ${{ done: 'is done', failed: 'failed', stopped: 'was stopped' }[end.status]}.`)
  return end.status === 'done' ? 0 : end.status === 'failed' ? exitCodeOfRun(end.error) : 1
}

/** At the first Ctrl-C the run is asked to stop; the returned signal gives the wait up if that has no effect. */
function stoppable(client: SignalingClient, signal: AbortSignal): AbortSignal {
  const giveUp = new AbortController()
  const stop = (): void => {
    const runId = client.snapshot?.run?.runId
    if (runId === undefined) {
      giveUp.abort(signal.reason)
      return
    }
    const reason = `stopped at the terminal of ${hostname()}`.slice(0, 120)
    client.request('run:stop', { runId, reason }).catch(() => giveUp.abort(signal.reason))
    setTimeout(() => giveUp.abort(signal.reason), STOP_ANSWER_MS).unref()
  }
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
  return giveUp.signal
}

async function retry<T>(deadline: number, signal: AbortSignal, main: string, attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt()
    } catch (thrown) {
      signal.throwIfAborted()
      if (thrown instanceof RondoError && FINAL.has(thrown.code)) throw thrown
      if (Date.now() + RETRY_MS > deadline) {
        const why = thrown instanceof Error ? thrown.message : String(thrown)
        throw new RondoError(
          'TIMEOUT',
          `--main-address=${main}: no answer within --timeout (${why}). Start the command with --node-rank 0 there, and check address, port and firewall.`,
          { cause: thrown },
        )
      }
      await sleep(RETRY_MS, undefined, { signal })
    }
  }
}

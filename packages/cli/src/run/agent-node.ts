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
import { ensureAssets } from '../assets/build.ts'
import { bundleScript } from '../assets/bundle.ts'
import { createPageHandler } from '../http/handler.ts'
import { DIST } from '../paths.ts'
import { exitCodeOfRun } from '../process/exit-code.ts'
import { RunView } from '../terminal/run-view.ts'
import { stackMapper } from '../terminal/stack-map.ts'
import { dial } from './dial.ts'
import { followRun } from './follow.ts'
import type { NodeCommand } from './main-node.ts'
import { browserFor, openTabs } from './node.ts'

/** Milliseconds between two attempts to reach a main node that is not up yet. */
const RETRY_MS = 1_000
/** Refusals that waiting does not change. */
const FINAL: ReadonlySet<string> = new Set([
  'BAD_TOKEN',
  'NODE_RANK_TAKEN',
  'PLAN_MISMATCH',
  'BAD_MESSAGE',
  'UNSUPPORTED',
])

/** @returns the command's exit code */
export async function runAgentNode({ options, script, screen, cleanup, signal }: NodeCommand): Promise<number> {
  const main = `http://${options.mainAddress}:${options.mainPort}`
  const [bundle, executablePath] = await Promise.all([
    bundleScript(script),
    browserFor(options, screen),
    ensureAssets(signal, (line) => screen.line(line)),
  ])
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
    const dialled = await dial({ url: main, session: options.session, role: 'agent' }, signal)
    try {
      return { client: dialled, admitted: await dialled.request('agent:hello', hello) }
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
  const followed = cleanup.add(
    followRun(client, () => true, view, signal),
    (opened) => opened.close(),
  )
  await openTabs({
    options,
    plan: {
      origin,
      server: main,
      session: options.session,
      joinToken: admitted.joinToken,
      nodeId,
      label,
      count: options.devices,
    },
    executablePath,
    screen,
    cleanup,
    onLost: (error) => screen.line(error.message),
  })
  const end = await followed.ended
  if (end.error !== null) view.error(end.error)
  screen.clear()
  screen.line(`The run ${end.status}.`)
  return end.status === 'done' ? 0 : end.status === 'failed' ? exitCodeOfRun(end.error) : 1
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

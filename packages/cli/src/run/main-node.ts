/**
 * `rondo run` on the node that holds the server: server, session, run, own tabs, report. Not for: further
 * nodes (agent-node.ts).
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import { growWish, MAX_MEMBERS, type RunReport, toWireError, type WireError } from '@rondo/protocol'
import { newSessionTokens } from '@rondo/signaling-server'
import type { RunOptions } from '../args/run-options.ts'
import { ensureAssets } from '../assets/build.ts'
import { bundleScript } from '../assets/bundle.ts'
import { createPageHandler } from '../http/handler.ts'
import { ServedRuns } from '../http/run-folder.ts'
import { DIST, runsFolder, shownPath } from '../paths.ts'
import type { Cleanup } from '../process/cleanup.ts'
import { exitCodeOfRun } from '../process/exit-code.ts'
import { sayInvite } from '../serve/welcome.ts'
import type { Screen } from '../terminal/screen.ts'
import { newRunId, runConfig } from './config.ts'
import { dial } from './dial.ts'
import { type OpenWindows, openTabs } from './node.ts'
import { openRecordedRun } from './recorded-run.ts'
import { startServer } from './start-server.ts'

export interface NodeCommand {
  /** On their way since before this was loaded. */
  windows: Promise<OpenWindows>
  options: RunOptions
  /** Absolute path of the script. */
  script: string
  screen: Screen
  cleanup: Cleanup
  signal: AbortSignal
}

/** The script's Fabric wants more devices or nodes than there are, and no flag says otherwise. */
export type WantsMore = { devices: number } | { numNodes: number }

/** @returns the command's exit code, or what to start anew with */
export async function runMainNode(command: NodeCommand): Promise<number | WantsMore> {
  const { windows, options, script, screen, cleanup, signal } = command
  const say = (line: string): void => screen.line(line)
  const runs = new ServedRuns()
  const fresh = newSessionTokens()
  const tokens = { ...fresh, joinToken: options.token ?? fresh.joinToken }
  const isOpen = options.numNodes > 1 || options.invite
  const starting = startServer({
    host: isOpen ? '0.0.0.0' : '127.0.0.1',
    port: options.mainPort,
    mayMove: options.numNodes === 1 && !options.mainPortGiven,
    requestHandler: createPageHandler({ dist: DIST, source: { runs } }),
    sessions: [{ name: options.session, offer: { script: basename(script), description: shownPath(script) }, tokens }],
    requireToken: options.token !== undefined,
    say,
  })
  cleanup.add(starting, async (started) => (await started).close())
  const [server, bundle] = await Promise.all([starting, bundleScript(script), ensureAssets(signal, say)])
  signal.throwIfAborted()
  const origin = `http://localhost:${server.port}`
  if (options.invite) sayInvite(screen, { port: server.port, session: options.session, joinToken: tokens.joinToken })

  const runId = newRunId()
  runs.add({ runId, folder: join(runsFolder(), runId), script: bundle.code, token: tokens.joinToken })
  const client = await dial(
    { url: origin, session: options.session, token: tokens.controlToken, role: 'controller' },
    signal,
  )
  cleanup.add(client, () => client.close())
  const nodeId = randomUUID()
  const label = hostname().slice(0, 120)
  const sayHello = (devices: number) =>
    client.request('agent:hello', {
      node: { id: nodeId, label, rank: options.nodeRank ?? (options.numNodes === 1 ? 0 : null), host: label },
      plan: {
        numNodes: options.numNodes,
        devices,
        strategy: options.strategy ?? null,
        precision: options.precision ?? null,
        scriptHash: bundle.hash,
      },
    })
  await sayHello(options.devices)

  let wanted: WantsMore | null = null
  const run = await openRecordedRun({
    client,
    config: runConfig(options, bundle, runId, server.port),
    nodes: new Array<number>(options.numNodes).fill(options.devices),
    script: bundle,
    screen,
    signal,
    report: options.report,
    logDir: options.logDir,
    timeline: options.timeline,
    onMessage: (rank, data) => {
      const wish = growWish(data)
      if (wish !== null && rank === 0) grow(wish.devices).catch((thrown) => run.fail(toWireError(thrown)))
    },
    restartOn: (error) => {
      wanted = whatIsMissing(error, options)
      return wanted !== null
    },
  })
  const tabs = openTabs({
    windows,
    plan: { origin, session: options.session, joinToken: tokens.joinToken, nodeId, label },
    options,
    screen,
    cleanup,
    onLost: (error) => run.fail(error),
  })
  /** The script of `rondo exec` asks for ranks: they get their seats first, then tabs that take them. */
  const grow = async (devices: number): Promise<void> => {
    const openMore = await tabs
    say(`The script launches ${devices} ranks: ${devices - options.devices} more opened.`)
    await sayHello(devices)
    await client.request('run:grow', { runId, nodes: [devices] })
    await openMore(devices - options.devices)
  }
  // Whichever ends first: the run, or the attempt to open tabs by failing.
  const report = await Promise.race([run.ended, tabs.then(() => run.ended)]).catch(async (thrown: unknown) => {
    run.fail(toWireError(thrown))
    await run.ended
    throw thrown
  })
  return report === null ? (wanted ?? 1) : exitCode(report)
}

/** What `Fabric({ devices, numNodes })` asks for beyond what is there; null for every other failure. */
export function whatIsMissing(
  error: WireError,
  options: Pick<RunOptions, 'explicit' | 'devices' | 'numNodes'>,
): WantsMore | null {
  const { option, wanted } = error.details ?? {}
  if (error.code !== 'NOT_ENOUGH_DEVICES' || typeof wanted !== 'number' || wanted > MAX_MEMBERS) return null
  if (options.numNodes > 1) return null
  const isOpen = (name: 'devices' | 'numNodes'): boolean =>
    option === name && !options.explicit.includes(name) && wanted > options[name]
  if (isOpen('devices')) return { devices: wanted }
  return isOpen('numNodes') ? { numNodes: wanted } : null
}

function exitCode(report: RunReport): number {
  if (report.status === 'done') return 0
  return report.status === 'failed' ? exitCodeOfRun(report.error ?? null) : 1
}

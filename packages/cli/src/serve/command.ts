/**
 * `rondo serve`: server, notebook, and a link for people's browsers. Runs that the notebook opens are the
 * notebook's; each time somebody presses Start on a join page the script runs on everyone who is there, and its
 * results are kept like those of `rondo run`.
 */
import { join } from 'node:path'
import { RondoError, type SessionSnapshot, toWireError } from '@rondo/protocol'
import type { SignalingServer } from '@rondo/signaling-server'
import type { SignalingClient } from '@rondo/transport'
import color from 'picocolors'
import type { RunOptions } from '../args/run-options.ts'
import { parseServe } from '../args/serve-options.ts'
import { ensureAssets } from '../assets/build.ts'
import { bundleScript, findScript, type ScriptBundle } from '../assets/bundle.ts'
import { createPageHandler } from '../http/handler.ts'
import { ServedRuns } from '../http/run-folder.ts'
import { SessionAccess } from '../http/session-access.ts'
import { CACHE, callersFolder, DEFAULT_SERVE_SCRIPT, DIST, runsFolder, shownPath } from '../paths.ts'
import { Cleanup } from '../process/cleanup.ts'
import { listenForInterrupts } from '../process/interrupt.ts'
import { newRunId, runConfig } from '../run/config.ts'
import { dial } from '../run/dial.ts'
import { openRecordedRun } from '../run/recorded-run.ts'
import { startServer } from '../run/start-server.ts'
import { Screen } from '../terminal/screen.ts'
import { keepTokens, readKeptTokens } from './kept-tokens.ts'
import { openInBrowser } from './open-browser.ts'
import { sayWhereToGo } from './welcome.ts'

/** @returns the exit code; Ctrl-C is the normal end and gives 0 */
export async function serveCommand(words: readonly string[]): Promise<number> {
  const { run: options, importHosts, mayOpen } = parseServe(words, process.env, DEFAULT_SERVE_SCRIPT)
  const script = findScript(options.script)
  const screen = new Screen()
  for (const note of options.notes) screen.line(note)
  const cleanup = new Cleanup()
  const interrupt = listenForInterrupts(() => screen.line(color.yellow('Stopping the server …')))
  try {
    const access = new SessionAccess({ folder: callersFolder(), importHosts })
    await serve({ options, script, access, mayOpen, screen, cleanup, signal: interrupt.signal })
    return 0
  } catch (thrown) {
    if (interrupt.signal.aborted && !(thrown instanceof RondoError && thrown.code !== 'ABORTED')) return 0
    throw thrown
  } finally {
    await cleanup.run()
    interrupt.dispose()
    screen.clear()
  }
}

interface Serving {
  options: RunOptions
  script: string
  access: SessionAccess
  /** Whether the notebook may be opened in a browser. */
  mayOpen: boolean
  screen: Screen
  cleanup: Cleanup
  signal: AbortSignal
}

/** Serves until the signal. A script that cannot be bundled is refused before anybody joins. */
async function serve(serving: Serving): Promise<void> {
  const { options, script, access, screen, cleanup, signal } = serving
  const bundle = await bundleScript(script)
  const runs = new ServedRuns()
  const server = await startServer({
    host: '0.0.0.0',
    port: options.mainPort,
    mayMove: false,
    requestHandler: createPageHandler({ dist: DIST, source: { runs }, notebook: access }),
    say: (line) => screen.line(line),
  })
  cleanup.add(server, () => server.close())
  const name = shownPath(script)
  const place = { folder: join(CACHE, 'sessions'), port: server.port, session: options.session }
  const kept = readKeptTokens(place) ?? undefined
  // At once: pages of the server's last life knock already, and a session that is not there turns them away for good.
  const tokens = await server.createSession(options.session, { script: bundle.name, description: name }, kept)
  keepTokens(place, tokens)
  access.open({ control: tokens.controlToken, join: tokens.joinToken })
  runs.admit({ ...tokens, runsFolder: runsFolder() })
  await ensureAssets(signal, (line) => screen.line(line))
  signal.throwIfAborted()
  const client = await dial(
    {
      url: `http://localhost:${server.port}`,
      session: options.session,
      token: tokens.controlToken,
      role: 'controller',
    },
    signal,
  )
  cleanup.add(client, () => client.close())
  const notebook = sayWhereToGo(screen, { port: server.port, session: options.session, ...tokens, script: name })
  if (serving.mayOpen) openInBrowser(notebook, (line) => screen.line(color.dim(line)))

  let present = ''
  const tellWhoIsHere = (snapshot: SessionSnapshot): void => {
    const now = presence(snapshot)
    if (now !== present && snapshot.run?.status !== 'running') screen.line(color.dim(now))
    present = now
  }
  client.on('session', tellWhoIsHere)
  // The first snapshot may have come before anybody listened.
  if (client.snapshot !== null) tellWhoIsHere(client.snapshot)
  let active: Promise<void> | null = null
  client.on('run:requested', ({ args }) => {
    if (active !== null) return
    screen.line('Start was pressed on a page.')
    active = runOnce(serving, { client, server, runs, joinToken: tokens.joinToken }, args).finally(() => {
      active = null
    })
  })
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  if (active !== null) await active
}

interface Session {
  client: SignalingClient
  server: SignalingServer
  runs: ServedRuns
  joinToken: string
}

/** One run with everyone present. Whatever goes wrong is told here and ends only this run. */
async function runOnce(serving: Serving, session: Session, args: readonly string[]): Promise<void> {
  const { options, screen, signal } = serving
  const { client, server, runs, joinToken } = session
  try {
    // Read again each time, so that an edit of the script counts from the next run on.
    const bundle: ScriptBundle = await bundleScript(serving.script)
    const runId = newRunId()
    runs.add({ runId, folder: join(runsFolder(), runId), script: bundle.code, token: joinToken })
    const { devices, numNodes } = shapeOf(client.snapshot)
    const scriptArgs = args.length > 0 ? [...args] : options.scriptArgs
    const run = await openRecordedRun({
      client,
      config: runConfig({ ...options, devices, numNodes, scriptArgs }, bundle, runId, server.port),
      nodes: null,
      script: bundle,
      screen,
      signal,
      report: options.report,
      logDir: options.logDir,
      timeline: options.timeline,
    })
    await run.ended
  } catch (thrown) {
    screen.line(color.red(toWireError(thrown).message))
  }
  if (!signal.aborted) screen.line(color.dim('Waiting for the next Start.'))
}

/** Nodes that are here, and the most slots that one of them brings. */
function shapeOf(snapshot: SessionSnapshot | null): { devices: number; numNodes: number } {
  const slots = new Map<string, number>()
  for (const { nodeId } of snapshot?.members ?? []) slots.set(nodeId, (slots.get(nodeId) ?? 0) + 1)
  return { devices: Math.max(1, ...slots.values()), numNodes: Math.max(1, slots.size) }
}

function presence(snapshot: SessionSnapshot): string {
  const { members } = snapshot
  if (members.length === 0) return 'Nobody is here yet.'
  const labels = [...new Set(members.map((member) => member.nodeLabel))]
  return `${members.length} ${members.length === 1 ? 'device' : 'devices'} here: ${labels.join(', ')}`
}

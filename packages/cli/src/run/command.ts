/** `rondo run`: decides which part this machine plays, plays it, and leaves nothing behind. */

import { hostname } from 'node:os'
import { parsePrecision } from '@rondo/fabric/precision'
import { RondoError } from '@rondo/protocol'
import { parseStrategyName } from '@rondo/strategies/names'
import color from 'picocolors'
import { debugFile } from '../args/environment.ts'
import { EXEC_FLAGS, RUN_FLAGS } from '../args/flags.ts'
import { parseRun, type RunOptions } from '../args/run-options.ts'
import { findScript } from '../assets/bundle.ts'
import { Cleanup } from '../process/cleanup.ts'
import { listenForInterrupts } from '../process/interrupt.ts'
import { Screen } from '../terminal/screen.ts'
import { isThisMachine } from './addresses.ts'
import { addressesOf, ownInterfaces } from './interfaces.ts'
import type { NodeCommand, WantsMore } from './main-node.ts'

/**
 * @param words everything after `rondo run` or `rondo exec`
 * @returns the exit code, or what was asked for instead of a run
 * @throws RondoError for refusals; the caller prints them
 */
export async function runCommand(
  words: readonly string[],
  name: 'run' | 'exec' = 'run',
): Promise<number | 'help' | 'version'> {
  const shown = `rondo ${name}`
  const parsed = parseRun(words, process.env, { flags: name === 'run' ? RUN_FLAGS : EXEC_FLAGS, command: shown })
  if (parsed.asks !== null) return parsed.asks
  const { options } = parsed
  refuseWhatNoRankCanDo(options)
  const script = findScript(options.script)
  await refuseForeignServer(options)
  if (options.interface !== undefined) addressesOf(options.interface, ownInterfaces())
  const screen = new Screen(process.stdout, debugFile(process.env, hostname(), process.pid))
  for (const note of options.notes) screen.line(note)
  if (options.dryRun) {
    const { dryRunLines } = await import('./dry-run.ts')
    const isMain = await isMainNode(options)
    for (const line of await dryRunLines({ options, script, command: shown, isMain })) screen.line(line)
    return 0
  }
  const cleanup = new Cleanup()
  const interrupt = listenForInterrupts((name) => {
    screen.clear()
    screen.line(color.yellow(`${name === 'SIGINT' ? 'Ctrl-C' : name}: stopping the ranks …`))
  })
  try {
    const command = { options, script, screen, cleanup, signal: interrupt.signal }
    if (await isMainNode(options)) {
      try {
        return await runAsMain(command)
      } catch (thrown) {
        if (!isHeldByOurSession(thrown, options)) throw thrown
        await cleanup.run()
      }
    }
    const { windows } = await startWindows(command)
    const { runAgentNode } = await import('./agent-node.ts')
    return await runAgentNode({ ...command, windows })
  } catch (thrown) {
    if (interrupt.signal.aborted && !(thrown instanceof RondoError && thrown.code !== 'ABORTED')) return 1
    throw thrown
  } finally {
    await cleanup.run()
    interrupt.dispose()
    screen.clear()
  }
}

/** Names that are known and cannot be had: said before anything starts rather than by every rank. */
function refuseWhatNoRankCanDo({ strategy, precision }: RunOptions): void {
  if (strategy !== undefined) parseStrategyName(strategy)
  parsePrecision(precision)
}

type Command = Omit<NodeCommand, 'windows'>

/** How often a script is started anew because its code asks for more: once for devices, once for nodes. */
const MAX_RESTARTS = 2

/** Runs the script, and anew with as many devices and nodes as its code asks for where no flag says how many. */
async function runAsMain(command: Command): Promise<number> {
  const { screen, cleanup } = command
  let { options } = command
  for (let restarts = 0; ; restarts++) {
    const outcome = await attempt({ ...command, options })
    if (typeof outcome === 'number') return outcome
    if (restarts === MAX_RESTARTS) return 1
    const { devices, numNodes } = { ...options, ...outcome }
    if (devices > options.devices) {
      screen.line(
        `The script asks for ${devices} devices: ${devices - options.devices} more opened, and it starts anew.`,
      )
    }
    if (numNodes > options.numNodes) {
      screen.line(
        `The script asks for ${numNodes} nodes: this is the first. Start each other with rondo run --num-nodes=${numNodes} --node-rank=… --main-address=… ${options.script}; it starts anew when they are here.`,
      )
    }
    await cleanup.run()
    options = { ...options, devices, numNodes, ...(numNodes > 1 ? { nodeRank: 0 } : {}) }
  }
}

/** Another agent of the same session has the port: then that one is the main node, and this one asks it for a place. */
function isHeldByOurSession(thrown: unknown, { numNodes, session }: RunOptions): boolean {
  if (numNodes === 1 || !(thrown instanceof RondoError) || thrown.code !== 'PORT_IN_USE') return false
  const sessions = thrown.details?.['sessions']
  return Array.isArray(sessions) && sessions.includes(session)
}

async function attempt(command: Command): Promise<number | WantsMore> {
  const { windows } = await startWindows(command)
  const { runMainNode } = await import('./main-node.ts')
  return runMainNode({ ...command, windows })
}

/**
 * The browser takes longest to start, so it is on its way before the rest of this program is loaded, which in turn is
 * only now: a refusal should not wait for browser drivers and servers. In an object, as it must not be waited for here.
 */
async function startWindows(command: Command): Promise<Pick<NodeCommand, 'windows'>> {
  const { openWindows } = await import('./node.ts')
  return { windows: openWindows(command) }
}

/** A run of one node has its server here, so another machine's address cannot be meant. */
async function refuseForeignServer({ numNodes, mainAddress }: RunOptions): Promise<void> {
  if (numNodes > 1 || (await isThisMachine(mainAddress))) return
  throw new RondoError(
    'BAD_ARGUMENT',
    `--main-address=${mainAddress} (or MASTER_ADDR) is not this machine, and a run of one node has its server here. Leave it out, or say with --num-nodes how many machines take part.`,
  )
}

/** Node rank 0, or without a rank the first agent that owns the main address. */
async function isMainNode(options: RunOptions): Promise<boolean> {
  if (options.numNodes === 1 && options.nodeRank === undefined) return true
  if (options.nodeRank !== undefined) return options.nodeRank === 0
  if (!(await isThisMachine(options.mainAddress))) return false
  const { probe } = await import('./start-server.ts')
  return (await probe(options.mainPort)) === null
}

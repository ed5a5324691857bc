/** `rondo run`: decides which part this machine plays, plays it, and leaves nothing behind. */
import { RondoError } from '@rondo/protocol'
import color from 'picocolors'
import { parseRun, type RunOptions } from '../args/run-options.ts'
import { findScript } from '../assets/bundle.ts'
import { Cleanup } from '../process/cleanup.ts'
import { listenForInterrupts } from '../process/interrupt.ts'
import { Screen } from '../terminal/screen.ts'
import { isThisMachine } from './addresses.ts'
import type { NodeCommand, WantsDevices } from './main-node.ts'

/**
 * @param words everything after `rondo run`
 * @returns the exit code, or `help` if help was asked for
 * @throws RondoError for refusals; the caller prints them
 */
export async function runCommand(words: readonly string[]): Promise<number | 'help'> {
  const parsed = parseRun(words, process.env)
  if (parsed.help) return 'help'
  const { options } = parsed
  const script = findScript(options.script)
  const screen = new Screen()
  for (const note of options.notes) screen.line(note)
  const cleanup = new Cleanup()
  const interrupt = listenForInterrupts((name) => {
    screen.clear()
    screen.line(color.yellow(`${name === 'SIGINT' ? 'Ctrl-C' : name}: stopping the ranks …`))
  })
  try {
    const command = { options, script, screen, cleanup, signal: interrupt.signal }
    if (await isMainNode(options)) return await runAsMain(command)
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

type Command = Omit<NodeCommand, 'windows'>

/** Runs the script, and once more with as many devices as its code asks for when no flag says how many. */
async function runAsMain(command: Command): Promise<number> {
  const { options, screen, cleanup } = command
  const outcome = await attempt(command)
  if (typeof outcome === 'number') return outcome
  const more = outcome.devices - options.devices
  screen.line(`The script asks for ${outcome.devices} devices: ${more} more opened, and it starts anew.`)
  await cleanup.run()
  const again = await attempt({ ...command, options: { ...options, devices: outcome.devices } })
  return typeof again === 'number' ? again : 1
}

async function attempt(command: Command): Promise<number | WantsDevices> {
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

/** Node rank 0, or without a rank the first agent that owns the main address. */
async function isMainNode(options: RunOptions): Promise<boolean> {
  if (options.numNodes === 1 && options.nodeRank === undefined) return true
  if (options.nodeRank !== undefined) return options.nodeRank === 0
  if (!(await isThisMachine(options.mainAddress))) return false
  const { probe } = await import('./start-server.ts')
  return (await probe(options.mainPort)) === null
}

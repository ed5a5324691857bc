/**
 * `notebookLauncher` and `debugLauncher` with Hugging Face Accelerate's options (accelerate 1.x, launchers.py): run a
 * function on several ranks from a notebook cell. Not for: Fabric's own launch (it passes a Fabric, these do not).
 */
import { MAX_MEMBERS, RondoError } from '@rondo/protocol'
import { currentRankContext } from '../context.ts'
import { currentLauncher, type LaunchFunction } from './launcher.ts'
import { checkOptions, type NotebookLauncherOptions } from './notebook-options.ts'
import { launchOnRanks } from './on-ranks.ts'
import { checkFunction } from './refusals.ts'

export type { NotebookLauncherOptions } from './notebook-options.ts'

/**
 * Runs `fn(...args)` on `numProcesses` ranks (all slots when omitted) and resolves with rank 0's value. One process
 * calls it in place. A failure of a rank is tried again up to `maxRestarts` times; the last one rejects.
 * @throws BAD_ARGUMENT, UNSUPPORTED, NOT_ENOUGH_DEVICES before anything starts; else what the rank threw.
 */
export async function notebookLauncher<A extends unknown[], R>(
  fn: (...args: A) => R | Promise<R>,
  args: A | readonly [] = [],
  options: NotebookLauncherOptions = {},
): Promise<R> {
  const call = 'notebookLauncher'
  checkCall(call, fn, args)
  checkOptions(call, options)
  const numProcesses = checkProcesses(call, options.numProcesses ?? (await allSlots(call)))
  return (await run({ call, fn, args, numProcesses, accelerator: null, maxRestarts: options.maxRestarts ?? 0 })) as R
}

/** The same on the cpu backend and links inside this browser: for tests, needs no GPU. */
export async function debugLauncher<A extends unknown[], R>(
  fn: (...args: A) => R | Promise<R>,
  args: A | readonly [] = [],
  numProcesses = 2,
): Promise<R> {
  const call = 'debugLauncher'
  checkCall(call, fn, args)
  checkProcesses(call, numProcesses)
  return (await run({ call, fn, args, numProcesses, accelerator: 'cpu', maxRestarts: 0 })) as R
}

interface Run {
  call: string
  fn: (...args: never[]) => unknown
  args: readonly unknown[]
  numProcesses: number
  accelerator: 'cpu' | null
  maxRestarts: number
}

async function run({ call, fn, args, numProcesses, accelerator, maxRestarts }: Run): Promise<unknown> {
  if (numProcesses === 1 && accelerator === null) {
    console.info(`${call}: runs ${fn.name || 'the function'} here, as one rank.`)
    return (fn as (...all: unknown[]) => unknown)(...args)
  }
  const ranks = numProcesses === 1 ? 'one rank' : `${numProcesses} ranks`
  console.info(`${call}: launches ${ranks} on ${accelerator ?? 'the best accelerator of each device'}.`)
  for (let restarts = 0; ; restarts++) {
    try {
      return await launchOnRanks(fn as LaunchFunction, args, {
        call,
        devices: numProcesses,
        strategy: 'ddp_notebook',
        accelerator,
        processGroupBackend: accelerator === null ? 'auto' : 'port',
        passFabric: false,
      })
    } catch (error) {
      if (!mayRestart(error)) throw error
      if (restarts >= maxRestarts) throw maxRestarts === 0 ? error : withRestarts(error, maxRestarts)
      console.warn(`${call}: a rank failed, restart ${restarts + 1} of ${maxRestarts}: ${messageOf(error)}`)
    }
  }
}

/** What a rank threw; not refusals of the launch itself, and not an interrupt. */
function mayRestart(error: unknown): boolean {
  const { rank, code, name } = Object(error) as { rank?: unknown; code?: unknown; name?: unknown }
  return typeof rank === 'number' && code !== 'ABORTED' && name !== 'Interrupted'
}

/** The same error, stack and place included; only its message grows. */
function withRestarts(error: unknown, used: number): unknown {
  if (error instanceof Error) error.message += ` (after ${used} ${used === 1 ? 'restart' : 'restarts'})`
  return error
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function checkCall(call: string, fn: unknown, args: unknown): void {
  const { config, group } = currentRankContext()
  if (config !== null) {
    throw new RondoError(
      'UNSUPPORTED',
      `${call}: this code runs in rank ${group.rank} of ${group.worldSize} already, and ranks start no ranks. Call the function directly.`,
      { rank: group.rank },
    )
  }
  checkFunction(call, fn)
  if (Array.isArray(args)) return
  throw new RondoError(
    'BAD_ARGUMENT',
    `${call}(fn, args): args is of type ${typeof args}; it must be an array with the function's arguments. Pass [value], or leave it out.`,
  )
}

async function allSlots(call: string): Promise<number> {
  const slots = (await currentLauncher()?.slots()) ?? 0
  if (slots > 0) {
    console.info(`${call}: numProcesses is not given, so all ${slots} devices are used.`)
    return slots
  }
  throw new RondoError(
    'NOT_ENOUGH_DEVICES',
    `${call}: numProcesses is not given and no device is registered here. Give numProcesses, or let a device join the session first.`,
  )
}

function checkProcesses(call: string, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_MEMBERS) return value
  throw new RondoError(
    'BAD_ARGUMENT',
    `${call}: numProcesses is ${JSON.stringify(value)}; it must be a whole number from 1 to ${MAX_MEMBERS}. Pass { numProcesses: 2 }, or leave it out for all devices.`,
  )
}

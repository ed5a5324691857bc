/**
 * The rank's side of a launch: takes Rondo's own part off the arguments, takes over the caller's random state and
 * calls the function, with a Fabric that is ready to use where it wants one. Not for: bringing the function here.
 */
import { invariant } from '@rondo/protocol'
import { currentRankContext, type RankContext } from '../context.ts'
import { Fabric } from '../fabric.ts'
import { adoptRandomness, type CallerRandomness } from '../jobs/jobs.ts'
import type { LaunchFunction } from './launcher.ts'

/** The last argument of every launch. Plain data, so that it crosses wherever arguments do. */
export interface LaunchHeader {
  rondo: 'launch'
  /** Whether the function gets a Fabric before its own arguments. */
  fabric: { strategy: string; accelerator: string | null; precision: string | null } | null
  /** A function of a library, by the name under which it registered itself, runs in the place of the shipped one. */
  launchable: string | null
  randomness: CallerRandomness
}

type Launchable = (...args: never[]) => unknown
const launchables = new Map<string, Launchable>()

/** Lets `launchOnRanks({ launchable: name })` run a function of a library, which no notebook could ship. */
export function registerLaunchable(name: string, fn: Launchable): void {
  launchables.set(name, fn)
}

/**
 * Runs what a launch brought to this rank, inside a job's context (`nextRankContext({ kind: 'launch' })`).
 * @param args as the launcher got them, header last
 * @returns what the function returns
 */
export async function callLaunched(
  fn: LaunchFunction,
  args: readonly unknown[],
  context: RankContext = currentRankContext(),
): Promise<unknown> {
  const header = args.at(-1)
  invariant(isHeader(header), 'the last argument of a launch is its header')
  adoptRandomness(header.randomness)
  const run = (header.launchable === null ? fn : launchables.get(header.launchable)) as
    | ((...args: unknown[]) => unknown)
    | undefined
  invariant(run, `nothing is registered as ${header.launchable}`)
  const own = args.slice(0, -1)
  if (header.fabric === null) return run(...own)
  const { strategy, accelerator, precision } = header.fabric
  const options = {
    strategy,
    ...(accelerator === null ? {} : { accelerator }),
    ...(precision === null ? {} : { precision }),
  }
  const fabric = new Fabric(options, context)
  await fabric.launch()
  return run(fabric, ...own)
}

function isHeader(value: unknown): value is LaunchHeader {
  return typeof value === 'object' && value !== null && (value as { rondo?: unknown }).rondo === 'launch'
}

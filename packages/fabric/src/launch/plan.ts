/**
 * What a Fabric that was made in a notebook's kernel asks for, and what of it has to be launched first. The kernel
 * is no rank: one device runs in place, several are launched. Not for: scripts and ranks (options.ts).
 */
import { RondoError } from '@rondo/protocol'
import { type StrategyName, startsFromFunction } from '@rondo/strategies'
import type { RankContext } from '../context.ts'
import { type FabricOptions, type ResolvedOptions, requestedDevices, resolveOptions } from '../options.ts'
import { currentLauncher, type Launcher, type LaunchRequest } from './launcher.ts'

export interface NotebookPlan {
  devices: LaunchRequest['devices']
  /** Ranks asked for; null for `auto`, which only the launcher can count. */
  count: number | null
  /** null for a strategy object, which does not cross to ranks. */
  strategy: StrategyName | null
  launcher: Launcher
}

/** Options of a Fabric as they count where it is made: in a rank, a script or a notebook's kernel, which gets a plan. */
export function resolveHere(
  options: FabricOptions,
  context: RankContext,
): { resolved: ResolvedOptions; plan: NotebookPlan | null; wanted: number | null } {
  const { localWorldSize: devices, numNodes, config, job, group } = context
  const launcher = config === null ? currentLauncher() : null
  if (launcher) {
    const resolved = resolveOptions(options, config, null)
    return { resolved, plan: planInNotebook(options, resolved.strategyName, launcher), wanted: null }
  }
  if (context.grow !== null) {
    const resolved = resolveOptions(options, config, null)
    return { resolved, plan: null, wanted: ranksToLaunch(options) }
  }
  const world = { devices, numNodes, ...(job === null ? {} : { jobRanks: group.worldSize }) }
  return { resolved: resolveOptions(options, config, world), plan: null, wanted: null }
}

/** What a script that began alone (`rondo exec`) has its launch open on this node; null for one rank, which is there. */
function ranksToLaunch({ devices, numNodes = 1 }: FabricOptions): number | null {
  const ranks = requestedDevices(devices) ?? 1
  if (numNodes > 1) {
    throw new RondoError(
      'UNSUPPORTED',
      `Fabric({ numNodes: ${numNodes} }) under "rondo exec", which opens ranks on one machine. Start the script on each machine with "rondo run --num-nodes=${numNodes} --devices=${ranks} --main-address=…"; the code may stay as it is.`,
      { rank: 0 },
    )
  }
  return ranks > 1 ? ranks : null
}

/** Throws for options that no launch from a notebook can have. */
function planInNotebook(options: FabricOptions, strategy: StrategyName | null, launcher: Launcher): NotebookPlan {
  const count = requestedDevices(options.devices)
  const { devices } = options
  const list = Array.isArray(devices) || (typeof devices === 'string' && devices.includes(','))
  const plan: NotebookPlan = {
    devices: count === null ? 'auto' : list ? slotNumbers(devices as string | readonly number[]) : count,
    count,
    strategy,
    launcher,
  }
  if ((options.numNodes ?? 1) > 1) {
    throw new RondoError(
      'UNSUPPORTED',
      `Fabric({ numNodes: ${options.numNodes} }) in a notebook: devices counts those of all machines that joined the session. Give devices alone, in all.`,
    )
  }
  if (count !== null && count > 1) checkStrategy(plan, count)
  return plan
}

/** How many ranks this Fabric means, asked of the launcher for `auto`. */
export async function ranksOf(plan: NotebookPlan): Promise<number> {
  return plan.count ?? plan.launcher.slots()
}

/** Whether that many ranks run in the kernel itself. */
export function runsInPlace(plan: NotebookPlan, ranks: number): boolean {
  return ranks === 1 && (plan.strategy === null || !startsFromFunction(plan.strategy))
}

/** Several ranks in a notebook need a strategy that starts them from a function. */
export function checkStrategy({ strategy }: NotebookPlan, ranks: number): void {
  if (strategy !== null && (strategy === 'auto' || startsFromFunction(strategy))) return
  const what = strategy === null ? 'a strategy object' : `strategy "${strategy}"`
  throw new RondoError(
    'BAD_ARGUMENT',
    `Fabric({ devices: ${ranks} }) with ${what} in a notebook: a notebook is no script that ranks could run again. Use strategy "ddp_notebook" ("dp", which needs no other ranks, is not part of this version). For workers that you start yourself, build the Fabric inside the worker; inside a launched function it may have any strategy.`,
  )
}

/** NOT_LAUNCHED when `call` needs ranks that are not there; one device needs no launch. */
export async function checkNotLaunched(plan: NotebookPlan, call: string): Promise<void> {
  const ranks = await ranksOf(plan)
  if (ranks <= 1) return
  const which = plan.count === null ? `devices is "auto" and ${ranks} devices are here` : `devices is ${ranks}`
  throw new RondoError(
    'NOT_LAUNCHED',
    `${call}: ${which}, but this is the notebook and none of the ranks. Put the training into a function and call await fabric.launch(train); with new Fabric({ devices: 1 }) it runs right here.`,
  )
}

/** A launch without function where one is needed. */
export async function checkBareLaunch(plan: NotebookPlan): Promise<void> {
  const ranks = await ranksOf(plan)
  if (ranks <= 1 && runsInPlace(plan, 1)) return
  if (ranks > 1) checkStrategy(plan, ranks)
  throw needsFunction(
    plan.strategy ?? 'auto',
    'Pass it: await fabric.launch(train), with async function train(fabric) { … }.',
  )
}

export function needsFunction(strategy: string, advice: string): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `fabric.launch(): strategy "${strategy === 'auto' ? 'ddp_notebook' : strategy}" starts ranks from a function, and none was passed. ${advice}`,
  )
}

function slotNumbers(devices: string | readonly number[]): readonly number[] {
  return typeof devices === 'string'
    ? devices.split(',').flatMap((piece) => (piece.trim() ? [Number(piece)] : []))
    : devices
}

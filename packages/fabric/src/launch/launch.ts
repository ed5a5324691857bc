/**
 * `fabric.launch(fn, ...args)`: refuses what cannot work where it is called, runs one device in place and hands
 * everything else to the launcher. Not for: a launch without function (fabric.ts).
 */
import { RondoError } from '@rondo/protocol'
import { startsFromFunction } from '@rondo/strategies'
import type { RankContext } from '../context.ts'
import type { ResolvedOptions } from '../options.ts'
import type { LaunchFunction } from './launcher.ts'
import { launchOnRanks } from './on-ranks.ts'
import { checkStrategy, type NotebookPlan, ranksOf, runsInPlace } from './plan.ts'
import { checkFunction, checkTakesFabric } from './refusals.ts'

export interface LaunchSite {
  context: RankContext
  /** null outside of a notebook's kernel. */
  plan: NotebookPlan | null
  options: ResolvedOptions
  /** Runs the function as the one rank that is here. */
  inPlace: (fn: LaunchFunction, args: unknown[]) => Promise<unknown>
}

export async function launchFunction(site: LaunchSite, fn: unknown, args: unknown[]): Promise<unknown> {
  const { context, plan, options } = site
  if (context.config !== null) throw ranksExist(context)
  checkFunction('fabric.launch', fn)
  const launched = fn as LaunchFunction
  checkTakesFabric(launched)
  const named = options.strategyName
  // Outside of notebooks only one rank can have been asked for: the constructor refused more.
  if (plan === null && (named === null || !startsFromFunction(named))) return site.inPlace(launched, args)
  const ranks = plan ? await ranksOf(plan) : 1
  if (plan && runsInPlace(plan, ranks)) return site.inPlace(launched, args)
  if (plan && ranks > 1) checkStrategy(plan, ranks)
  if (plan?.count === null) console.info(`devices is "auto": all ${ranks} devices of the session are used.`)
  return launchOnRanks(launched, args, {
    call: 'fabric.launch',
    devices: plan?.devices ?? 1,
    strategy: named === null || named === 'auto' ? 'ddp_notebook' : named,
    accelerator: options.accelerator,
    precision: options.precision,
    passFabric: true,
  })
}

/** In a rank nothing is left to start. */
function ranksExist({ group, job, localRank }: RankContext): RondoError {
  const { rank, worldSize } = group
  if (job === null) {
    return new RondoError(
      'UNSUPPORTED',
      'fabric.launch(fn): under "rondo run" the ranks exist already, so there is nothing to start. Call the function directly: await train(fabric).',
      { rank },
    )
  }
  const where =
    localRank > 0 ? ` (local rank ${localRank}; not even local rank 0 may, since Rondo started all of them)` : ''
  return new RondoError(
    'UNSUPPORTED',
    `fabric.launch(fn): this code runs in rank ${rank} of ${worldSize}${where}, and ranks start no ranks. Call the function directly: await train(fabric); launch from the notebook's own cells.`,
    { rank },
  )
}

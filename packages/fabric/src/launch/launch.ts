/**
 * `fabric.launch()` and `fabric.launch(fn, ...args)`: refuse what cannot work where they are called, run one device in
 * place and hand everything else to the launcher. Not for: how ranks come up (launcher.ts).
 */
import { RondoError } from '@rondo/protocol'
import { startsFromFunction } from '@rondo/strategies'
import { passBarrier } from '../collectives/verbs.ts'
import type { RankContext } from '../context.ts'
import type { FabricCore } from '../core.ts'
import type { LaunchFunction } from './launcher.ts'
import { launchOnRanks } from './on-ranks.ts'
import { checkBareLaunch, checkStrategy, needsFunction, ranksOf, runsInPlace } from './plan.ts'
import { checkFunction, checkTakesFabric } from './refusals.ts'

/** Both forms of `launch`; `fabric` is what a function that runs in place gets. */
export async function launchFabric(core: FabricCore, fabric: unknown, call: readonly unknown[]): Promise<unknown> {
  if (call.length > 0) return launchFunction(core, fabric, call[0], call.slice(1))
  const { context, options, plan } = core
  checkScriptLaunch(core)
  if (core.launched) return undefined
  checkEnvironment(core)
  if (plan) await checkBareLaunch(plan)
  else if (context.job === null && options.strategyName !== null && startsFromFunction(options.strategyName)) {
    throw needsFunction(options.strategyName, 'In a script the ranks are started by "rondo run": use strategy "ddp".')
  }
  if (core.wanted !== null) await context.grow?.(core.wanted)
  context.scriptLaunched = true
  await core.prepareDevice()
  core.launched = true
  if (core.worldSize > 1) await passBarrier(context, 'launch')
  return undefined
}

async function launchFunction(core: FabricCore, fabric: unknown, fn: unknown, args: unknown[]): Promise<unknown> {
  const { context, plan, options } = core
  if (context.config?.growable === true && context.job === null) return launchInScript(core, fabric, fn, args)
  if (context.config !== null) throw ranksExist(context)
  checkFunction('fabric.launch', fn)
  const launched = fn as LaunchFunction
  checkTakesFabric(launched)
  const named = options.strategyName
  // Outside of notebooks only one rank can have been asked for: the constructor refused more.
  if (plan === null && (named === null || !startsFromFunction(named))) return runHere(core, fabric, launched, args)
  const ranks = plan ? await ranksOf(plan) : 1
  if (plan && runsInPlace(plan, ranks)) return runHere(core, fabric, launched, args)
  if (plan && ranks > 1) checkStrategy(plan, ranks)
  if (options.plugins.Precision) throw staysHere(options.plugins.Precision)
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

/**
 * Under `rondo exec`, as Lightning's ddp launches a function from a script: the other ranks are opened on the script, come
 * to this line too, and all of them call the function. Later calls find the ranks here.
 */
async function launchInScript(core: FabricCore, fabric: unknown, fn: unknown, args: unknown[]): Promise<unknown> {
  const { strategyName } = core.options
  checkFunction('fabric.launch', fn)
  checkTakesFabric(fn as LaunchFunction)
  if (strategyName !== null && startsFromFunction(strategyName)) {
    throw new RondoError(
      'UNSUPPORTED',
      `fabric.launch(fn): strategy "${strategyName}" sends the function alone to fresh ranks, which notebooks do. Under "rondo exec" each rank (this is rank ${core.rank}) runs the script and then the function: use strategy "ddp".`,
      { rank: core.rank },
    )
  }
  if (!core.launched) await launchFabric(core, fabric, [])
  return runHere(core, fabric, fn as LaunchFunction, args)
}

/** As the one rank that is here. */
async function runHere(core: FabricCore, fabric: unknown, fn: LaunchFunction, args: unknown[]): Promise<unknown> {
  await core.prepareDevice()
  core.launched = true
  return (fn as (...all: unknown[]) => unknown)(fabric, ...args)
}

/** A script that began alone gets its ranks once; under "rondo run" they were there before it, and a call does nothing. */
function checkScriptLaunch({ context }: FabricCore): void {
  const { config, group, scriptLaunched } = context
  if (config?.growable !== true || group.worldSize === 1 || !scriptLaunched) return
  throw new RondoError(
    'UNSUPPORTED',
    `fabric.launch(): called a second time in this page, whose ${group.worldSize} ranks exist already. Allowed is one launch a script. Remove this one (rank ${group.rank}).`,
    { rank: group.rank },
  )
}

/** A ClusterEnvironment plugin must describe the run that it is used in. */
function checkEnvironment({ context, options, rank, worldSize }: FabricCore): void {
  const environment = options.plugins.ClusterEnvironment
  if (environment === undefined) return
  environment.validateSettings(context.localWorldSize, context.numNodes)
  if (!environment.createsProcessesExternally && environment.localRank() > 0) {
    throw new RondoError('UNSUPPORTED', onlyLocalZero(`local rank is ${environment.localRank()}`), { rank })
  }
  const pairs = [
    ['worldSize', environment.worldSize(), worldSize],
    ['globalRank', environment.globalRank(), rank],
  ] as const
  for (const [what, said, real] of pairs) {
    if (said === real) continue
    throw new RondoError(
      'CONFLICT',
      `plugins: ${environment.constructor.name}.${what}() is ${said}, and this run has ${real} (rank ${rank} of ${worldSize}). They must agree. Correct the environment, or remove it: the server numbers ranks.`,
      { rank },
    )
  }
}

function onlyLocalZero(what: string): string {
  return `fabric.launch: ${what}, and only local rank 0 launches. Either the environment of this rank was altered, or a ClusterEnvironment says wrongly that createsProcessesExternally is false. Leave RANK and LOCAL_RANK alone, and let the environment say true.`
}

/** In a rank nothing is left to start. */
function ranksExist({ group, job, localRank }: RankContext): RondoError {
  const { rank, worldSize } = group
  if (job === null) {
    return new RondoError(
      'UNSUPPORTED',
      `fabric.launch(fn): under "rondo run" the ranks exist already (this is rank ${rank} of ${worldSize}), so there is nothing to start. Call the function directly, await train(fabric), or start the script with "rondo exec".`,
      { rank },
    )
  }
  const own = `this code runs in rank ${rank} of ${worldSize}, and ranks start no ranks`
  const where = localRank > 0 ? ` ${onlyLocalZero(`local rank is ${localRank}`)}` : ''
  return new RondoError(
    'UNSUPPORTED',
    `fabric.launch(fn): ${own}. Call the function directly: await train(fabric); launch from the notebook's own cells.${where}`,
    { rank },
  )
}

/** Only the precision's name would cross, and the plugin means more than that. */
function staysHere(plugin: object): RondoError {
  return new RondoError(
    'UNSUPPORTED',
    `fabric.launch(fn): plugins has ${plugin.constructor.name}, a Precision plugin, which does not cross to the ranks. Allowed is the option precision, or a Fabric with the plugin that the function itself makes. Use one of the two.`,
  )
}

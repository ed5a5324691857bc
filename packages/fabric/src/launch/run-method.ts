/**
 * A subclass of Fabric with a method `run` (LightningLite's way): calling it launches first. Not for: a launch from
 * many ranks of a notebook, which ships functions and no objects.
 */
import { RondoError } from '@rondo/protocol'
import type { FabricCore } from '../core.ts'
import { launchFabric } from './launch.ts'
import { ranksOf } from './plan.ts'

/** Lets `fabric.run(...)` launch before it runs. Throws UNSUPPORTED under `rondo run`, where ranks call no method. */
export function adoptRunMethod(fabric: object, core: FabricCore): void {
  const { run } = fabric as { run?: unknown }
  if (typeof run !== 'function') return
  const { context, plan } = core
  const { config, group } = context
  const { name } = fabric.constructor
  if (config !== null && config.growable !== true && context.job === null) {
    throw new RondoError(
      'UNSUPPORTED',
      `${name}.run() is overridden under "rondo run", which started the ranks already (this is rank ${group.rank} of ${group.worldSize}). Allowed there is a Fabric without run. Start the script with "rondo exec", or call setup and backward directly.`,
      { rank: group.rank },
    )
  }
  const launched = async (...args: unknown[]): Promise<unknown> => {
    if (plan && (await ranksOf(plan)) > 1) {
      throw new RondoError(
        'UNSUPPORTED',
        `${name}.run() on several ranks from a notebook: a method and its object cannot be sent to ranks. Allowed is a function. Put the training into async function train(fabric) and call fabric.launch(train).`,
      )
    }
    await launchFabric(core, fabric, [])
    return run.apply(fabric, args)
  }
  Object.defineProperty(fabric, 'run', { value: launched })
}

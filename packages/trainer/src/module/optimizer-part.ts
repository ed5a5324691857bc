/**
 * A module as one of its optimizers sees it: the parameters that this optimizer moves, and all else as buffers. So
 * each optimizer has gradients, buckets and a replica of its own. Not for: the optimizer itself.
 */
import type { ModuleLike, tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { RondoModule } from './module.ts'
import type { ConfiguredOptimizer } from './optimizer-config.ts'

/**
 * One entry for each optimizer. The only optimizer of a module gets the module itself, unless it names its parameters.
 * @throws BAD_ARGUMENT for an optimizer that has nothing to move
 */
export function partsOf(module: RondoModule, configured: readonly ConfiguredOptimizer[]): ModuleLike[] {
  if (configured.length === 1 && configured[0]?.parameters === null) return [module]
  const all = Object.entries(module.parameters()).filter(([, variable]) => variable.trainable)
  const named = new Set(configured.flatMap(({ parameters }) => [...(parameters ?? [])]))
  return configured.map(({ optimizer, parameters }, i) => {
    const own = all.filter(([, variable]) => (parameters ? parameters.has(variable) : !named.has(variable)))
    const strange = parameters ? parameters.size - own.length : 0
    if (own.length > 0 && strange === 0) return partOf(module, Object.fromEntries(own))
    throw new RondoError(
      'BAD_ARGUMENT',
      `configureOptimizers(): optimizer ${i} (${optimizer.kind}) ${strange > 0 ? `names ${strange} variables that are no trainable parameters of ${module.constructor.name}` : 'has no parameters: the others name them all'}. Each must move parameters that the module holds in its fields. Correct its parameters.`,
    )
  })
}

function partOf(module: RondoModule, own: Record<string, tf.Variable>): ModuleLike {
  const others = Object.entries(module.parameters()).filter(([name]) => !Object.hasOwn(own, name))
  return {
    forward: (...inputs: unknown[]) => module.forward(...inputs),
    parameters: () => own,
    buffers: () => ({ ...Object.fromEntries(others), ...module.buffers() }),
  }
}

/**
 * What every verb does before its loop: data is prepared, module and callbacks are set up, the model is made, weights
 * are made equal. Not for: optimizers and loaders (fit.ts).
 */
import { parametersOf, readTensors, writeTensors } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { Stage } from '../hooks.ts'
import type { Run } from '../run.ts'
import { open } from './opening.ts'

/** Collective. */
export async function prepare(run: Run, stage: Stage): Promise<void> {
  const { module, data, fabric, context } = run
  await fabric.launch()
  open(run)
  const prepares = [data.dataModule, module].filter((owner) => typeof owner?.prepareData === 'function')
  if (prepares.length > 0) {
    for (const owner of prepares) {
      const first = owner?.prepareDataPerNode === false ? run.rank === 0 : context.localRank === 0
      if (first) await owner?.prepareData?.()
    }
    // A download takes as long as it takes: the others wait without limit.
    if (run.worldSize > 1) {
      await context.group.barrier('prepareData', { signal: context.signal, timeoutMs: Number.POSITIVE_INFINITY })
    }
  }
  await data.dataModule?.setup?.(stage)
  await run.hook('setup', stage)
  await buildModel(run)
}

/** Runs `configureModel`, once for a module. */
export async function buildModel({ module }: Pick<Run, 'module'>): Promise<void> {
  if (configured.has(module)) return
  configured.add(module)
  await module.configureModel?.()
}

const configured = new WeakSet<object>()

/** Makes rank 0's weights everyone's, for verbs that set up no optimizer. Collective. */
export async function shareWeights(run: Run): Promise<void> {
  if (run.worldSize === 1) return
  const { group, signal } = run.context
  const all = namedVariables(run)
  const names = all.map(({ name, variable }) => `${name} [${variable.shape.join(', ')}]`)
  const mine = group.rank === 0 ? { names, values: await readTensors(all.map(({ variable }) => variable)) } : null
  const theirs = (await group.broadcastObject(mine, { src: 0, name: 'weights', signal })) as NonNullable<typeof mine>
  const odd = theirs.names.findIndex((name, i) => name !== names[i])
  const wrong = odd >= 0 || theirs.names.length !== names.length
  if (await run.anyRank(wrong, 'weights check')) {
    throw new RondoError(
      'PARAMETER_MISMATCH',
      `The model differs between ranks: rank 0 has ${theirs.names[odd] ?? `${theirs.names.length} parameters`}, rank ${group.rank} has ${names[odd] ?? `${names.length} parameters`}. All ranks must build the same model. Check that its construction depends neither on the rank nor on the data.`,
      { rank: group.rank },
    )
  }
  if (group.rank !== 0)
    writeTensors(
      all.map(({ variable }) => variable),
      theirs.values,
    )
}

/** Parameters and buffers; an empty list for a module that has none (yet). */
export function namedVariables({ module }: Pick<Run, 'module'>): ReturnType<typeof parametersOf> {
  const none = Object.keys(module.parameters()).length === 0 && Object.keys(module.buffers()).length === 0
  return none ? [] : parametersOf(module)
}

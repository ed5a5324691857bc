/**
 * `fabric.loadRaw`: a bare safetensors file, such as models from elsewhere, into one model or optimizer, by the names
 * of its parameters. Not for: files of fabric.save (load.ts).
 */
import { Optimizer, type OptimizerState, parametersOf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import { FabricModel, FabricOptimizer } from '../fabric-model.ts'
import { badFile, readContent } from './content.ts'
import { isModel } from './entries.ts'
import { checkOptimizer, fitModel, listNames } from './fit.ts'
import type { CheckpointHost } from './host.ts'
import type { LoadOptions } from './load.ts'
import { decodeValues } from './plain-values.ts'
import { readOnRankZero } from './rank-zero.ts'
import { loadContent } from './sharded.ts'

/** Metadata: hyper-parameters of a bare optimizer's file; JSON. */
const HYPERPARAMETERS_KEY = 'rondo.hyperparameters'

/**
 * Collective. Fills a model (set up or not) or an optimizer in place.
 * Errors: BAD_ARGUMENT for another object; BAD_FILE for a file that is damaged, does not fit, or, with strict, has not
 * exactly the object's names. Nothing is changed then.
 */
export async function loadRawCheckpoint(
  context: CheckpointHost,
  path: string,
  target: unknown,
  { strict = true }: LoadOptions = {},
): Promise<void> {
  const apply = targetOf(target)
  const content = await readOnRankZero(context, `loadRaw ${path}`, () => loadContent(context, path))
  if (readContent(path, content).own) {
    throw badFile(
      path,
      'fabric.save wrote it, with names below keys',
      'Read it with fabric.load(path, { model }), with the keys it was saved with.',
    )
  }
  await apply(path, content.metadata, content.tensors, strict)
}

type Apply = (
  path: string,
  metadata: Readonly<Record<string, string>>,
  tensors: OptimizerState['tensors'],
  strict: boolean,
) => unknown

function targetOf(target: unknown): Apply {
  if (target instanceof FabricOptimizer) return optimizerFiller(target.optimizer)
  if (target instanceof Optimizer) return optimizerFiller(target)
  const model = target instanceof FabricModel ? target.module : target
  if (!isModel(model)) {
    const got = target === null ? 'null' : `a ${(target as object | undefined)?.constructor?.name ?? typeof target}`
    throw new RondoError(
      'BAD_ARGUMENT',
      `loadRaw(path, obj): obj is ${got}; allowed is one model or one optimizer. For several objects save them with fabric.save(path, { … }) and read them with fabric.load.`,
    )
  }
  const replica = target instanceof FabricModel ? target.replica : null
  return async (path, _metadata, tensors, strict) => {
    const { missing, unexpected, write } = fitModel(path, parametersOf(model), tensors)
    if (strict && (missing.length > 0 || unexpected.length > 0)) {
      throw badFile(
        path,
        `it does not fit the model: missing ${listNames(missing)}, unexpected ${listNames(unexpected)}`,
        'Rename its tensors to those of model.parameters(), or pass { strict: false }. Nothing was changed.',
      )
    }
    write()
    await replica?.restore?.(null)
  }
}

function optimizerFiller(optimizer: Optimizer): Apply {
  return (path, metadata, tensors, strict) => {
    const names = new Set(tensors.map(({ name }) => name))
    const unexpected = [...names].filter((name) => !names.has(`${name.slice(0, name.lastIndexOf('.'))}.step`))
    if (strict && unexpected.length > 0) {
      throw badFile(
        path,
        `it is no state of an optimizer: unexpected ${listNames(unexpected)}, which have no count of steps beside them`,
        'Allowed are tensors named <parameter>.<slot> and <parameter>.step. Pass { strict: false } to take it anyway.',
      )
    }
    const hyperparameters = decodeValues(path, metadata[HYPERPARAMETERS_KEY] ?? '{}') as Record<string, number>
    const saved = { tensors: [...tensors], hyperparameters }
    checkOptimizer(path, 'the optimizer', optimizer, saved, [])
    optimizer.restore(saved)
  }
}

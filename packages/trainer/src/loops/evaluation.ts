/**
 * Validation and test: every sample on exactly one rank, values reduced over batches and ranks with their true counts.
 * Not for: when to validate (train-epoch.ts) or predictions (prediction.ts).
 */
import { type DataLoader, shardLoader } from '@rondo/data'
import { tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import { BatchCursor } from '../loaders/batches.ts'
import type { Metrics } from '../logging/metrics.ts'
import { publishEpoch } from '../logging/publish.ts'
import { limitOf } from '../options/limits.ts'
import { profiled } from '../profilers/profiler.ts'
import type { Run } from '../run.ts'
import { giveWay } from './give-way.ts'
import { callStep, isAsyncMethod, tensorsIn } from './step-call.ts'
import { joinOutputs } from './step-end.ts'

export type EvaluationStage = 'validate' | 'test' | 'sanity'

/** Loaders of a loop with this rank's share and limit each. */
export interface EvaluationLoader {
  loader: DataLoader
  limit: number
}

/** Logged values that wait on the device before they are read together. */
const READ_EVERY = 16

const KINDS = {
  validate: { hook: 'Validation', step: 'validationStep', limit: 'limitValBatches' },
  sanity: { hook: 'Validation', step: 'validationStep', limit: 'limitValBatches' },
  test: { hook: 'Test', step: 'testStep', limit: 'limitTestBatches' },
} as const

/** Deals each loader's samples to the ranks, without repeating any, and works out how many batches to take. */
export function evaluationLoaders(
  run: Run,
  loaders: readonly DataLoader[],
  stage: 'validate' | 'test' | 'predict',
): EvaluationLoader[] {
  const { options, worldSize, rank } = run
  const option = stage === 'predict' ? 'limitPredictBatches' : KINDS[stage].limit
  const limited = options.fastDevRun > 0 ? { batches: options.fastDevRun } : options.limits[stage]
  const shards = options.useDistributedSampler && worldSize > 1
  const exact = options.exactEvaluation
  if (shards && !exact) {
    run.print('exactEvaluation is false: where ranks would differ, some samples of the evaluation count twice.')
  }
  return loaders.map((loader) => {
    const share = shards ? shardLoader(loader, { worldSize, rank, exact }) : loader
    const length = share.hasLength ? share.length : null
    return { loader: share, limit: limitOf(option, limited, length) }
  })
}

/** Runs the loop over all loaders. Collective. Returns the metrics of each loader. */
export async function evaluate(
  run: Run,
  loaders: readonly EvaluationLoader[],
  stage: EvaluationStage,
): Promise<Metrics[]> {
  const { hook, step } = KINDS[stage]
  const { module, evaluationResults: results } = run
  if (typeof module[step] !== 'function') throw noStep(module, step)
  results.reset()
  run.scope = { stage, dataloaderIndex: null, batchSize: 1 }
  await run.hook(`on${hook}Start`)
  await run.hook(`on${hook}EpochStart`)
  const isAsync = isAsyncMethod(module[step])
  for (const [loaderIndex, { loader, limit }] of loaders.entries()) {
    const cursor = new BatchCursor(loader, limit)
    try {
      for (let index = 0; ; index++) {
        run.checkInterrupt()
        const batch = await profiled(run.profiler, `${hook.toLowerCase()}DataloaderNext`, () => cursor.next())
        if (!batch) break
        const { tensors, samples, leading } = batch
        run.scope = { stage, dataloaderIndex: loaders.length > 1 ? loaderIndex : null, batchSize: samples, leading }
        await run.hook(`on${hook}BatchStart`, tensors, index, loaderIndex)
        const outputs = await run.asAction(module, step, () =>
          run.within(step, () =>
            callStep(
              step,
              () => run.fabric.autocast(() => callWithEnd(run, step, [tensors, index, loaderIndex])),
              isAsync,
            ),
          ),
        )
        results.batches += 1
        await run.hook(`on${hook}BatchEnd`, outputs, tensors, index, loaderIndex)
        tf.dispose(tensorsIn(outputs))
        if (results.unsettled >= READ_EVERY) await results.settle()
        await giveWay()
      }
    } finally {
      await cursor.close()
    }
  }
  await results.settle()
  run.scope = { stage, dataloaderIndex: null, batchSize: 1 }
  let metrics: Metrics = {}
  await run.epochEnd(`on${hook}EpochEnd`, [], async () => {
    await results.settle()
    metrics = await publishEpoch(run, results, stage === 'test' ? 'the test' : 'validation')
  })
  if (stage === 'validate') run.hasValidated = true
  await run.hook(`on${hook}End`)
  results.reset()
  return byLoader(metrics, loaders.length)
}

/** The step, and its `*StepEnd` where the module has one. */
function callWithEnd(run: Run, step: 'validationStep' | 'testStep', given: [tf.Tensor[], number, number]): unknown {
  const { module } = run
  const output: unknown = module[step]?.(...given)
  const end = `${step}End` as const
  if (typeof module[end] !== 'function') return output
  const join = (value: unknown): unknown => run.within(end, () => module[end]?.(joinOutputs([value])))
  return output instanceof Promise ? output.then(join) : join(output)
}

/** Splits metrics by the suffix of their loader; those without one belong to the first. */
function byLoader(metrics: Metrics, count: number): Metrics[] {
  const split: Metrics[] = Array.from({ length: count }, () => ({}))
  for (const [name, value] of Object.entries(metrics)) {
    const index = Number(/\/dataloader_idx_(\d+)$/.exec(name)?.[1] ?? 0)
    const own = split[index]
    if (own) own[name] = value
  }
  return split
}

function noStep(module: object, step: string): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `${module.constructor.name} has no ${step}, which ${step === 'testStep' ? 'trainer.test' : 'validation'} calls for each batch. Define ${step}(batch, batchIndex), or leave the loaders out.`,
  )
}

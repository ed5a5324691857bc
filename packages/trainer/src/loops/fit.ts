/**
 * The life of a fit: preparation, sanity check, epochs, end. Order of hooks is Lightning's. Not for: what happens in
 * an epoch (train-epoch.ts).
 */
import type { FabricModel, FabricOptimizer } from '@rondo/fabric'
import { RondoError } from '@rondo/protocol'
import { ModelSummary } from '../callbacks/model-summary/model-summary.ts'
import { hideBar } from '../callbacks/progress-bar.ts'
import { publishEpoch } from '../logging/publish.ts'
import { type ConfiguredOptimizer, readOptimizerConfig } from '../module/optimizer-config.ts'
import { partsOf } from '../module/optimizer-part.ts'
import { profiled } from '../profilers/profiler.ts'
import type { Run } from '../run.ts'
import { Backward } from './backward.ts'
import { type EvaluationLoader, evaluate } from './evaluation.ts'
import { dealLoaders, readSources, reloadIsDue } from './fit-loaders.ts'
import { ManualOptimization } from './manual.ts'
import { checkOptimizers, checkReplicas } from './optimizer-rules.ts'
import { prepare } from './prepare.ts'
import { enterResumed, readResume, restoreTraining } from './resume.ts'
import { trainEpoch } from './train-epoch.ts'
import { passOverTrainData } from './train-pass.ts'
import { advanceEpochSchedules, noteProgress, type Training } from './training.ts'

/** Trains `run.module`. Collective. */
export async function fit(run: Run): Promise<void> {
  const { trainer, module, options } = run
  checkModule(run)
  await prepare(run, 'fit')
  const resumed = run.data.ckptPath === undefined ? null : await readResume(run, run.data.ckptPath)
  const training = await setUp(run)
  if (resumed) await restoreTraining(resumed, training)
  run.fitControls = {
    schedules: training.schedules,
    manual: training.manual !== null,
    tell: run.context.emit,
    syncWeights: () => run.syncWeights(),
    passOverTrainData: (before) => passOverTrainData(training, before),
  }
  if (options.enableModelSummary && !trainer.callbacks.some((callback) => callback instanceof ModelSummary)) {
    new ModelSummary().onFitStart(trainer, module)
  }
  if (!options.enableProgressBar) hideBar(trainer)
  await run.hook('onFitStart')
  run.validates = training.validation.length > 0
  await sanityCheck(run, training.validation)
  if (resumed) await enterResumed(resumed, training)
  run.scope = { stage: 'train', dataloaderIndex: null, batchSize: 1 }
  await run.hook('onTrainStart')
  const startedAt = performance.now()
  training.deadline = startedAt + options.maxTimeMs
  if (training.resume === null) noteProgress(training, 0)
  let madeAt = trainer.currentEpoch
  run.context.reporter.epochs = Number.isFinite(options.maxEpochs) ? options.maxEpochs : null
  while (trainer.currentEpoch < options.maxEpochs && trainer.globalStep < options.maxSteps && training.limit !== 0) {
    if (reloadIsDue(run, madeAt)) {
      madeAt = trainer.currentEpoch
      Object.assign(training, await dealLoaders(run, await readSources(run), false))
    }
    const due = training.validation.length > 0 && (trainer.currentEpoch + 1) % options.checkValEveryNEpoch === 0
    training.validate = due ? () => validate(training, training.validation) : null
    if (await runEpoch(training)) break
  }
  await run.syncWeights()
  trainer.kept = run.keptByStrategy()
  await run.hook('onTrainEnd')
  await run.hook('onFitEnd')
  await run.data.dataModule?.teardown?.('fit')
  await run.hook('teardown', 'fit')
  for (const optimizer of training.optimizers) optimizer.zeroGrad()
  training.manual?.dispose()
  trainer.module = module
}

/** One epoch with its hooks. Returns true when training has to stop. */
async function runEpoch(training: Training): Promise<boolean> {
  const { run } = training
  const { trainer, trainResults: results } = run
  results.reset()
  run.scope = { stage: 'train', dataloaderIndex: null, batchSize: 1 }
  await run.hook('onTrainEpochStart')
  await profiled(run.profiler, 'runTrainingEpoch', () => trainEpoch(training))
  training.resume = null
  run.scope = { stage: 'train', dataloaderIndex: null, batchSize: 1 }
  if (trainer.progress) trainer.progress.epochDone = true
  await run.epochEnd('onTrainEpochEnd', [], async () => {
    await results.settle()
    await publishEpoch(run, results, `training epoch ${trainer.currentEpoch}`)
  })
  trainer.currentEpoch += 1
  await advanceEpochSchedules(training)
  noteProgress(training, 0)
  trainer.shouldStop = await run.anyRank(trainer.shouldStop, 'stop after epoch')
  return trainer.mayStop()
}

/** What is validated is what would be saved: strategies whose ranks train alone bring them together first. */
async function validate({ run }: Training, loaders: readonly EvaluationLoader[]): Promise<void> {
  await run.syncWeights()
  await evaluate(run, loaders, 'validate')
}

async function sanityCheck(run: Run, loaders: readonly EvaluationLoader[]): Promise<void> {
  const { trainer, options } = run
  if (loaders.length === 0 || options.numSanityValSteps === 0) return
  const steps = options.numSanityValSteps === -1 ? Number.POSITIVE_INFINITY : options.numSanityValSteps
  const limited = loaders.map(({ loader, limit }) => ({ loader, limit: Math.min(limit, steps) }))
  trainer.sanityChecking = true
  try {
    await run.hook('onSanityCheckStart')
    await evaluate(run, limited, 'sanity')
    await run.hook('onSanityCheckEnd')
  } finally {
    trainer.sanityChecking = false
    trainer.board.callbackMetrics = {}
    trainer.board.progressBarMetrics = {}
    for (const { loader } of loaders) loader.setEpoch(0)
  }
}

async function setUp(run: Run): Promise<Training> {
  const { trainer, module, fabric } = run
  const sources = await readSources(run)
  const configured = readOptimizerConfig(await module.configureOptimizers?.())
  const byHand = !module.automaticOptimization
  checkOptimizers(run, configured)
  const pairs: Array<[FabricModel, FabricOptimizer]> = []
  for (const [i, part] of partsOf(module, configured).entries()) {
    const [model, optimizer] = await fabric.setup(part, (configured[i] as ConfiguredOptimizer).optimizer)
    pairs.push([model as FabricModel, optimizer])
  }
  checkReplicas(pairs.map(([model]) => model))
  trainer.takeOptimizers(configured)
  run.models = pairs.map(([model]) => model)
  const schedules = configured.map(({ schedule }) => schedule)
  const backward = new Backward(run)
  run.atEnd.push(() => backward.dispose())
  const manual = byHand ? new ManualOptimization(run, backward, pairs, schedules) : null
  run.runtime.manual = manual
  return {
    run,
    models: run.models,
    optimizers: pairs.map(([, optimizer]) => optimizer),
    schedules,
    backward,
    manual,
    resume: null,
    deadline: Number.POSITIVE_INFINITY,
    validate: null,
    ...(await dealLoaders(run, sources)),
  }
}

function checkModule(run: Run): void {
  const { module } = run
  if (typeof module.trainingStep !== 'function') {
    throw missing(run, 'a trainingStep', 'Define trainingStep(batch, batchIndex) { … return loss }.')
  }
  if (typeof module.configureOptimizers !== 'function') {
    throw missing(run, 'an optimizer', 'Define configureOptimizers() { return tf.train.adam(1e-3) }.')
  }
}

function missing({ module }: Run, what: string, advice: string): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `trainer.fit(${module.constructor.name}): fit needs ${what}, and there is none. ${advice}`,
  )
}

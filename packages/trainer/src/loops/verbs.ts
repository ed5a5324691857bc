/**
 * Runs one verb on this rank: makes the run, loads weights where asked, and tells everyone when it fails. Not for:
 * launching (launch.ts).
 */
import type { Logger, RunStatus } from '@rondo/loggers'
import { isSecondHandCode, RondoError } from '@rondo/protocol'
import { ModelCheckpoint } from '../callbacks/model-checkpoint.ts'
import { ProgressBar } from '../callbacks/progress-bar.ts'
import { callOn, type Stage, warnOfUnknownHooks } from '../hooks.ts'
import { type LoaderHook, loadersFor, type VerbData } from '../loaders/source.ts'
import { emptyBoard, type Metrics } from '../logging/metrics.ts'
import type { RondoModule } from '../module/module.ts'
import { Run } from '../run.ts'
import { decodeCheckpoint } from '../state/checkpoint.ts'
import { restoreWeights } from '../state/state.ts'
import { storedByRankZero } from '../state/write-checkpoint.ts'
import type { Trainer } from '../trainer.ts'
import { evaluate, evaluationLoaders } from './evaluation.ts'
import { fit } from './fit.ts'
import { type Prediction, predict } from './prediction.ts'
import { prepare, shareWeights } from './prepare.ts'

const HOOKS: Readonly<Record<Exclude<Stage, 'fit'>, LoaderHook>> = {
  validate: 'valDataloader',
  test: 'testDataloader',
  predict: 'predictDataloader',
}

/** Collective. */
export async function runVerb(
  trainer: Trainer,
  stage: Stage,
  module: RondoModule,
  data: VerbData,
): Promise<Metrics[] | Prediction[][] | null> {
  if (stage === 'fit') startAnew(trainer)
  const run = new Run(trainer, module, stage, data, trainer.fabricOptions())
  trainer.begin(run)
  if (run.rank === 0) for (const owner of [module, ...trainer.callbacks]) warnOfUnknownHooks(owner)
  try {
    run.profiler?.setup?.(stage)
    const result = await perform(run)
    await reportProfile(run)
    if (stage === 'fit') await storedByRankZero(trainer, () => trainer.background.settle())
    await endLoggers(run, 'success')
    return result
  } catch (thrown) {
    const error = withRank(thrown, run)
    await tellEveryone(run, error)
    // What was begun may be all that is left of this fit.
    if (run.rank === 0) await trainer.background.settle().catch(console.error)
    await endLoggers(run, run.context.signal.aborted ? 'aborted' : 'failed').catch(console.error)
    throw error
  } finally {
    run.end()
    trainer.begin(null)
  }
}

async function perform(run: Run): Promise<Metrics[] | Prediction[][] | null> {
  const { stage } = run
  switch (stage) {
    case 'fit':
      await fit(run)
      return null
    case 'validate':
    case 'test':
    case 'predict':
      return evaluateVerb(run, stage)
    default:
      return stage satisfies never
  }
}

async function evaluateVerb(run: Run, stage: 'validate' | 'test' | 'predict'): Promise<Metrics[] | Prediction[][]> {
  const { module, data } = run
  await prepare(run, stage)
  if (data.ckptPath !== undefined) await loadWeights(run, data.ckptPath)
  await shareWeights(run)
  const loaders = await loadersFor(HOOKS[stage], data.evaluation, module, data.dataModule)
  if (loaders.length === 0) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `trainer.${stage}(${module.constructor.name}): ${stage} needs a loader, and there is none. Pass one: trainer.${stage}(model, loader), or define ${HOOKS[stage]}().`,
    )
  }
  const dealt = evaluationLoaders(run, loaders, stage)
  const result = stage === 'predict' ? await predict(run, dealt) : await evaluate(run, dealt, stage)
  await data.dataModule?.teardown?.(stage)
  await run.hook('teardown', stage)
  return result
}

/** A fit starts at its own beginning; what callbacks remember stays. */
function startAnew(trainer: Trainer): void {
  trainer.currentEpoch = 0
  trainer.globalStep = 0
  trainer.accumulateGradBatches = trainer.resolved.accumulateGradBatches
  trainer.shouldStop = false
  trainer.board = emptyBoard()
  trainer.progress = null
  if (trainer.hasRun) ensureCallbacks(trainer)
}

/** A fit that has a run to write to shows how it gets on and keeps its last epoch, unless it was told not to or how else. */
export function ensureCallbacks(trainer: Trainer): void {
  const { enableProgressBar } = trainer.resolved
  const hasBar = trainer.callbacks.some((callback) => callback instanceof ProgressBar)
  if (enableProgressBar && !hasBar) trainer.callbacks.unshift(new ProgressBar())
  if (trainer.resolved.enableCheckpointing && !trainer.checkpointCallback) trainer.callbacks.push(new ModelCheckpoint())
}

async function loadWeights(run: Run, ckptPath: string): Promise<void> {
  const path = resolvePath(run, ckptPath)
  run.print(`Loading weights from ${path}.`)
  // Rank 0 reads; shareWeights gives them to the others.
  const problem = await run.trainer.fromRankZero(async () => {
    try {
      const { state } = decodeCheckpoint(path, await run.trainer.files.read(path))
      restoreWeights(run.module, state.weights, path)
      return null
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  })
  if (problem !== null) throw new RondoError('BAD_FILE', problem)
  run.print(`Loaded weights from ${path}.`)
}

function resolvePath({ trainer, stage }: Run, ckptPath: string): string {
  if (ckptPath !== 'best' && ckptPath !== 'last') return ckptPath
  const callback = trainer.checkpointCallback
  const path = ckptPath === 'best' ? callback?.bestModelPath : callback?.lastModelPath
  if (path) return path
  const why = callback ? `nothing was saved as ${ckptPath}` : 'the trainer has no ModelCheckpoint'
  throw new RondoError(
    'BAD_ARGUMENT',
    `trainer.${stage}(…, { ckptPath: "${ckptPath}" }): ${why}. Allowed are "best" and "last" after a fit that saved, or a path. ${ckptPath === 'last' ? 'Set saveLast: true.' : 'Add new ModelCheckpoint({ monitor: "val_loss" }) to the callbacks.'}`,
  )
}

/** On rank 0, whose loops are everyone's. */
async function reportProfile(run: Run): Promise<void> {
  if (run.profiler === null || run.rank !== 0) return
  const files = run.trainer.hasRun ? run.trainer.files : null
  await run.profiler.describe({ stage: run.stage, files, print: (text) => run.print(text) })
}

/** A refusal of a run of several ranks says which one refuses. */
function withRank(error: unknown, { rank, worldSize }: Run): unknown {
  if (!(error instanceof RondoError) || worldSize === 1) return error
  if (error.rank !== undefined || isSecondHandCode(error.code)) return error
  const { code, message, details, stack } = error
  const named = new RondoError(code, `Rank ${rank}: ${message}`, {
    rank,
    cause: error,
    ...(details ? { details } : {}),
  })
  if (stack !== undefined) named.stack = stack
  return named
}

/** What loggers have is written, on rank 0. A later verb may go on with them. */
async function endLoggers(run: Run, status: RunStatus): Promise<void> {
  const loggers: ReadonlyArray<Partial<Logger>> = run.rank === 0 ? run.loggers : []
  for (const logger of loggers) await (logger.finalize?.(status) ?? logger.save?.())
}

/** Errors must not hide the first one. */
async function tellEveryone(run: Run, error: unknown): Promise<void> {
  const { trainer, module } = run
  const tell = (owner: object, args: readonly unknown[]): Promise<void> =>
    callOn(owner, 'onException', args).catch((second: unknown) => console.error('onException failed too:', second))
  for (const callback of trainer.callbacks) await tell(callback, [trainer, module, error])
  await tell(module, [error])
}

/**
 * A verb that a notebook asked for, on ranks that it starts: trainer, module and data go there, the verb runs, and
 * what it left comes back into the caller's own objects. Not for: moving values (the launcher does).
 */
import {
  currentLauncher,
  currentRankContext,
  Fabric,
  launchOnRanks,
  parseDevices,
  registerLaunchable,
  requestedDevices,
} from '@rondo/fabric'
import { MAX_MEMBERS } from '@rondo/protocol'
import { parseStrategyName, startsFromFunction } from '@rondo/strategies'
import type { Stage } from './hooks.ts'
import type { VerbData } from './loaders/source.ts'
import { buildModel, namedVariables } from './loops/prepare.ts'
import { ensureCallbacks, runVerb } from './loops/verbs.ts'
import type { RondoModule } from './module/module.ts'
import { readOptimizerConfig } from './module/optimizer-config.ts'
import { captureState, restoreProgress, restoreWeights, type TrainerState } from './state/state.ts'
import type { Trainer } from './trainer.ts'

/** The name under which ranks know `runLaunched`. */
const LAUNCHABLE = 'rondo.trainer'

/** What comes back from rank 0. */
interface Outcome {
  result: unknown
  state: TrainerState
}

/** Whether the trainer's ranks have to be started from here first. */
export async function needsLaunch(trainer: Trainer): Promise<boolean> {
  const launcher = currentRankContext().config === null ? currentLauncher() : null
  if (launcher === null) return false
  // Makes the refusals of options that no notebook can have.
  new Fabric(trainer.fabricOptions())
  const { strategy, devices } = trainer.options
  if (typeof strategy === 'string' && startsFromFunction(parseStrategyName(strategy))) return true
  const slots = await launcher.slots()
  const wanted = requestedDevices(devices) ?? slots
  if (wanted < slots) {
    console.info(
      `${slots} slots are here and ${wanted} ${wanted === 1 ? 'is' : 'are'} used: set devices: ${slots}, or "auto" for all.`,
    )
  }
  return wanted > 1
}

/** Runs the verb on the launcher's ranks; the caller's objects then hold what it left. */
export async function launchVerb(
  trainer: Trainer,
  stage: Stage,
  module: RondoModule,
  data: VerbData,
): Promise<unknown> {
  const { strategy, devices, accelerator, precision } = trainer.options
  const name = typeof strategy === 'string' ? parseStrategyName(strategy) : 'auto'
  // Here, not in the ranks, so that what it remembers comes back to a callback that the caller's trainer has.
  if (stage === 'fit') ensureCallbacks(trainer)
  const outcome = (await launchOnRanks({ launchable: LAUNCHABLE }, [trainer, stage, module, data], {
    call: `trainer.${stage}`,
    name: `${module.constructor.name}.${stage}`,
    devices: requested(devices),
    strategy: name === 'auto' ? 'ddp_notebook' : name,
    accelerator: accelerator ?? null,
    precision: precision === undefined ? null : String(precision),
    passFabric: false,
  })) as Outcome
  await adopt(trainer, stage, module, outcome.state)
  return outcome.result
}

/** What runs in each rank. Only rank 0's return value goes back. */
export async function runLaunched(
  trainer: Trainer,
  stage: Stage,
  module: RondoModule,
  data: VerbData,
): Promise<Outcome | null> {
  const result = await runVerb(trainer, stage, module, data)
  if (trainer.globalRank !== 0) return null
  const trained = stage === 'fit'
  return { result, state: await captureState(trainer, module, { weights: trained, optimizers: trained }) }
}

/** Fills the caller's module, optimizers, callbacks and trainer from what the ranks left. */
async function adopt(trainer: Trainer, stage: Stage, module: RondoModule, state: TrainerState): Promise<void> {
  restoreProgress(trainer, state)
  if (stage !== 'fit') return
  if (namedVariables({ module }).length === 0) await buildModel({ module })
  if (namedVariables({ module }).length === 0) await module.setup?.('fit')
  restoreWeights(module, state.weights, 'the launched ranks')
  trainer.module = module
  if (state.optimizers.length === 0) return
  const configured = readOptimizerConfig(await module.configureOptimizers?.())
  configured.forEach(({ optimizer }, i) => {
    const saved = state.optimizers[i]
    if (saved) optimizer.restore(saved)
  })
  trainer.takeOptimizers(configured)
}

function requested(devices: Trainer['options']['devices']): number | readonly number[] | 'auto' {
  if (devices === undefined || requestedDevices(devices) === null) return 'auto'
  if (typeof devices === 'number') return devices
  const slots = parseDevices(devices, MAX_MEMBERS)
  return Array.isArray(devices) || String(devices).includes(',') ? slots : slots.length
}

registerLaunchable(LAUNCHABLE, runLaunched)

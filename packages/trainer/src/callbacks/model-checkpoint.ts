/**
 * Saves the trainer's state as training goes on, and keeps the best of it. Semantics and names are Lightning's
 * `ModelCheckpoint`; rank 0 decides for all. Not for: what is in a file (state/).
 */
import type { Trainer } from '../trainer.ts'
import { Callback } from './callback.ts'
import { checkpointName, freeName } from './checkpoint-name.ts'
import {
  type ModelCheckpointOptions,
  type ResolvedCheckpointOptions,
  resolveCheckpointOptions,
} from './model-checkpoint-options.ts'
import { checksOnEpochEnd, monitored } from './monitor.ts'

/** What rank 0 decided about one moment. */
interface Decision {
  /** Files to write now. */
  write: string[]
  /** Files that are no longer wanted. */
  drop: string[]
  state: CheckpointMemory
  line: string
}

interface CheckpointMemory {
  bestModelPath: string
  bestModelScore: number | null
  lastModelPath: string
  bestKModels: Record<string, number>
  lastGlobalStep: number
}

export class ModelCheckpoint extends Callback {
  readonly options: ResolvedCheckpointOptions
  /** Empty until something was saved. */
  bestModelPath = ''
  bestModelScore: number | null = null
  lastModelPath = ''
  /** Score of each file that is kept for being among the best. */
  bestKModels: Record<string, number> = {}
  /** Step of the last save, so that one state is not saved twice. */
  lastGlobalStep = 0

  constructor(options: ModelCheckpointOptions = {}) {
    super()
    this.options = resolveCheckpointOptions(options)
  }

  /** Comes after everything that logs, and last of all. */
  get watchesMetrics(): boolean {
    return true
  }

  override async onTrainBatchEnd(trainer: Trainer): Promise<void> {
    const { everyNTrainSteps } = this.options
    if (everyNTrainSteps === 0 || trainer.globalStep === 0 || trainer.globalStep % everyNTrainSteps !== 0) return
    await this.save(trainer)
  }

  override async onTrainEpochEnd(trainer: Trainer): Promise<void> {
    if (this.isEpochDue(trainer) && this.savesAfterTraining(trainer)) await this.save(trainer)
  }

  override async onValidationEnd(trainer: Trainer): Promise<void> {
    if (this.isEpochDue(trainer) && !this.savesAfterTraining(trainer)) await this.save(trainer)
  }

  override stateDict(): Record<string, unknown> {
    return { ...this.memory() }
  }

  private memory(): CheckpointMemory {
    const { bestModelPath, bestModelScore, lastModelPath, bestKModels, lastGlobalStep } = this
    return { bestModelPath, bestModelScore, lastModelPath, bestKModels: { ...bestKModels }, lastGlobalStep }
  }

  private isEpochDue(trainer: Trainer): boolean {
    const { everyNEpochs } = this.options
    return everyNEpochs > 0 && (trainer.currentEpoch + 1) % everyNEpochs === 0
  }

  private savesAfterTraining(trainer: Trainer): boolean {
    return this.options.saveOnTrainEpochEnd ?? (!trainer.validates || checksOnEpochEnd(trainer))
  }

  /** One decision for all ranks, then rank 0 writes. */
  private async save(trainer: Trainer): Promise<void> {
    if (trainer.sanityChecking || trainer.fastDevRun || !trainer.fitting) return
    const { monitor, saveWeightsOnly, verbose } = this.options
    // Asked on every rank, so that a refusal reaches all of them alike.
    const score = monitor === undefined ? null : monitored(trainer, 'ModelCheckpoint', monitor, trainer.hasValidated)
    if (monitor !== undefined && score === null) {
      if (trainer.globalRank === 0)
        console.warn(`ModelCheckpoint: "${monitor}" is not there yet, so nothing is saved now.`)
      return
    }
    const decision = await trainer.fromRankZero(() => this.decide(trainer, score))
    if (decision === null) return
    Object.assign(this, decision.state)
    for (const path of decision.write) await trainer.saveCheckpoint(path, { weightsOnly: saveWeightsOnly })
    await trainer.forgetCheckpoints(decision.drop)
    if (verbose && trainer.globalRank === 0) console.info(decision.line)
  }

  /** null when this state was saved already. */
  private decide(trainer: Trainer, score: number | null): Decision | null {
    if (trainer.globalStep === this.lastGlobalStep) return null
    const { saveTopK, saveLast, mode, monitor } = this.options
    const state = this.memory()
    state.lastGlobalStep = trainer.globalStep
    const decision: Decision = { write: [], drop: [], state, line: '' }
    const place = `Epoch ${trainer.currentEpoch}, global step ${trainer.globalStep}`
    const path = this.pathFor(trainer)
    if (monitor === undefined) {
      if (saveTopK !== 0) {
        decision.write.push(path)
        if (saveTopK === 1 && state.bestModelPath !== '' && state.bestModelPath !== path)
          decision.drop.push(state.bestModelPath)
        state.bestModelPath = path
      }
      decision.line = `${place}: saved as ${path}.`
    } else {
      const worst = mode === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
      const comparable = score === null || Number.isNaN(score) ? worst : score
      const better = (a: number, b: number): boolean => (mode === 'min' ? a < b : a > b)
      const kept = Object.entries(state.bestKModels).sort(([, a], [, b]) => (mode === 'min' ? a - b : b - a))
      const last = kept.at(-1)
      const room = saveTopK === -1 || kept.length < saveTopK
      if (saveTopK !== 0 && (room || (last !== undefined && better(comparable, last[1])))) {
        decision.write.push(path)
        if (!room && last) {
          delete state.bestKModels[last[0]]
          decision.drop.push(last[0])
        }
        state.bestKModels[path] = comparable
        const isBest = state.bestModelScore === null || better(comparable, state.bestModelScore)
        if (isBest) Object.assign(state, { bestModelPath: path, bestModelScore: comparable })
        decision.line = `${place}: ${monitor} is ${score} (best ${state.bestModelScore}), saved as ${path}, top ${saveTopK}.`
      } else {
        decision.line = `${place}: ${monitor} is ${score}, not among the best ${saveTopK} (best ${state.bestModelScore}).`
      }
    }
    if (saveLast) {
      state.lastModelPath = `${this.folder(trainer)}last.ckpt`
      decision.write.push(state.lastModelPath)
    }
    return decision
  }

  private folder(trainer: Trainer): string {
    const root = trainer.resolved.defaultRootDir
    const folder = this.options.dirpath ?? `${root === '' ? '' : `${root}/`}checkpoints`
    return folder === '' ? '' : `${folder.replace(/\/+$/, '')}/`
  }

  private pathFor(trainer: Trainer): string {
    const { filename, autoInsertMetricName, enableVersionCounter } = this.options
    const values = { ...trainer.callbackMetrics, epoch: trainer.currentEpoch, step: trainer.globalStep }
    const folder = this.folder(trainer)
    const name = folder + checkpointName(filename, values, autoInsertMetricName)
    if (!enableVersionCounter) return `${name}.ckpt`
    const taken = new Set([...Object.keys(this.bestKModels), this.bestModelPath])
    return `${freeName(name, (candidate) => taken.has(`${candidate}.ckpt`))}.ckpt`
  }
}

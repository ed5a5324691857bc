/**
 * Saves the trainer's state as training goes on, and keeps the best of it. Semantics and names are Lightning's
 * `ModelCheckpoint`; rank 0 decides for all, by its own clock and its own view of the files. Not for: which are the best
 * (best-checkpoints.ts) or what is in a file (state/).
 */
import type { RondoModule } from '../module/module.ts'
import { parseDuration } from '../options/duration.ts'
import type { Trainer } from '../trainer.ts'
import { type CheckpointMemory, displaced, isAmongBest, NOTHING_SAVED, withScored } from './best-checkpoints.ts'
import { Callback } from './callback.ts'
import { checkpointFolder, filesIn, isThere, joined, linkOrCopy, saveAlone } from './checkpoint-folder.ts'
import { checkpointName, freeName } from './checkpoint-name.ts'
import {
  type ModelCheckpointOptions,
  type ResolvedCheckpointOptions,
  resolveCheckpointOptions,
} from './model-checkpoint-options.ts'
import { agreedMetric, checksOnEpochEnd } from './monitor.ts'

/** What rank 0 decided about one moment. */
interface Decision {
  /** Files to write now. */
  write: string[]
  /** A file to make a link to another one. */
  link: { path: string; target: string } | null
  /** Files that are no longer wanted. */
  drop: string[]
  memory: CheckpointMemory
  line: string
}

const LAST = 'last'
const ENDING = '.ckpt'

export class ModelCheckpoint extends Callback implements CheckpointMemory {
  readonly options: ResolvedCheckpointOptions
  bestModelPath = NOTHING_SAVED.bestModelPath
  bestModelScore = NOTHING_SAVED.bestModelScore
  currentScore = NOTHING_SAVED.currentScore
  bestKModels: Record<string, number> = {}
  kthBestModelPath = NOTHING_SAVED.kthBestModelPath
  kthValue = NOTHING_SAVED.kthValue
  lastModelPath = NOTHING_SAVED.lastModelPath
  lastCheckpointSaved = NOTHING_SAVED.lastCheckpointSaved
  lastGlobalStep = NOTHING_SAVED.lastGlobalStep
  /** Where files go; null before the first fit. */
  dirpath: string | null = null
  private readonly intervalMs: number | null
  /** Clock of the last save by time. */
  private savedAt = 0
  /** What a person was told already. */
  private readonly told = new Set<string>()

  /** @throws BAD_ARGUMENT */
  constructor(options: ModelCheckpointOptions = {}) {
    super()
    this.options = resolveCheckpointOptions(options)
    const { trainTimeInterval } = this.options
    this.intervalMs = trainTimeInterval === undefined ? null : parseDuration(trainTimeInterval)
  }

  /** Comes after everything that logs, and last of all. */
  override get watchesMetrics(): boolean {
    return true
  }

  /** Tells checkpoint callbacks of one trainer apart, in whatever order they are given. */
  override get stateKey(): string {
    const { monitor, mode, everyNTrainSteps, everyNEpochs, trainTimeInterval } = this.options
    return `ModelCheckpoint${JSON.stringify({ monitor, mode, everyNTrainSteps, everyNEpochs, trainTimeInterval })}`
  }

  override async setup(trainer: Trainer, _module: RondoModule, stage: string): Promise<void> {
    if (stage !== 'fit') return
    this.dirpath = await trainer.fromRankZero(() => checkpointFolder(trainer, this.options.dirpath))
    if (trainer.globalRank !== 0 || this.options.saveTopK === 0 || trainer.fastDevRun) return
    const present = await filesIn(trainer, this.dirpath)
    if (present.length > 0 && this.dirpath !== '') {
      this.tell(`The folder for checkpoints, ${this.dirpath}, is not empty: ${present.slice(0, 3).join(', ')}.`, 'warn')
    }
  }

  override onTrainStart(): void {
    this.savedAt = performance.now()
  }

  override async onTrainBatchEnd(trainer: Trainer): Promise<void> {
    if (this.skips(trainer)) return
    const { everyNTrainSteps } = this.options
    const bySteps = everyNTrainSteps > 0 && trainer.globalStep > 0 && trainer.globalStep % everyNTrainSteps === 0
    if (bySteps || (await this.isTimeOver(trainer))) await this.save(trainer, true)
  }

  override async onTrainEpochEnd(trainer: Trainer): Promise<void> {
    if (!this.skips(trainer) && this.savesAfterTraining(trainer)) await this.save(trainer, this.isEpochDue(trainer))
  }

  override async onValidationEnd(trainer: Trainer): Promise<void> {
    if (!this.skips(trainer) && !this.savesAfterTraining(trainer)) await this.save(trainer, this.isEpochDue(trainer))
  }

  /** Rank 0 alone writes: the others may be gone, so nobody is asked. */
  override async onException(trainer: Trainer, module: RondoModule, error: unknown): Promise<void> {
    if (!this.options.saveOnException || trainer.globalRank !== 0 || trainer.progress === null) return
    if (this.skips(trainer)) return
    const path = await this.pathFor(trainer, '')
    this.lastGlobalStep = trainer.globalStep
    await saveAlone(trainer, module, path, this.options.saveWeightsOnly)
    const name = error instanceof Error ? error.name : 'error'
    console.info(`Training ended by ${name}; the state before it is in ${path}.`)
  }

  override stateDict(): Record<string, unknown> {
    return { ...this.memory(), dirpath: this.dirpath }
  }

  /** Takes over what is remembered; of another folder only the best path. */
  override loadStateDict(state: Record<string, unknown>): void {
    const { dirpath = null, ...memory } = state as Partial<CheckpointMemory> & { dirpath?: string | null }
    if (this.dirpath === null || dirpath === null || dirpath === this.dirpath) {
      Object.assign(this, memory)
      this.dirpath ??= dirpath
      return
    }
    this.bestModelPath = memory.bestModelPath ?? ''
    this.tell(
      `ModelCheckpoint: the checkpoint was saved into ${dirpath} and this run saves into ${this.dirpath}, so only bestModelPath is taken over.`,
      'warn',
    )
  }

  private memory(): CheckpointMemory {
    const { bestModelPath, bestModelScore, currentScore, bestKModels, kthBestModelPath, kthValue } = this
    const { lastModelPath, lastCheckpointSaved, lastGlobalStep } = this
    const best = { bestModelPath, bestModelScore, currentScore, bestKModels: { ...bestKModels } }
    return { ...best, kthBestModelPath, kthValue, lastModelPath, lastCheckpointSaved, lastGlobalStep }
  }

  private skips(trainer: Trainer): boolean {
    const idle = trainer.sanityChecking || trainer.fastDevRun || !trainer.fitting
    return idle || this.lastGlobalStep === trainer.globalStep
  }

  private isEpochDue(trainer: Trainer): boolean {
    const { everyNEpochs } = this.options
    return everyNEpochs > 0 && (trainer.currentEpoch + 1) % everyNEpochs === 0
  }

  private savesAfterTraining(trainer: Trainer): boolean {
    return this.options.saveOnTrainEpochEnd ?? (!trainer.validates || checksOnEpochEnd(trainer))
  }

  /** By rank 0's clock, for all ranks. */
  private async isTimeOver(trainer: Trainer): Promise<boolean> {
    const { intervalMs } = this
    if (intervalMs === null) return false
    const over = await trainer.fromRankZero(() => performance.now() - this.savedAt >= intervalMs)
    if (over) this.savedAt = performance.now()
    return over
  }

  /** One decision for all ranks, then rank 0 writes. `ranked`: whether its score or epoch may keep this state. */
  private async save(trainer: Trainer, ranked: boolean): Promise<void> {
    const { monitor, saveTopK, saveLast, saveWeightsOnly, verbose } = this.options
    const looks = ranked && saveTopK !== 0
    if (!looks && saveLast === false) return
    const score =
      looks && monitor !== undefined
        ? await agreedMetric(trainer, 'ModelCheckpoint', monitor, trainer.hasValidated)
        : null
    const absent = looks && monitor !== undefined && score === null
    if (absent && trainer.globalRank === 0)
      this.tell(`ModelCheckpoint: "${monitor}" is not there yet, so nothing is saved for it now.`, 'warn')
    if (absent && saveLast === false) return
    const decision = await trainer.fromRankZero(() => this.decide(trainer, score, looks && !absent))
    Object.assign(this, decision.memory)
    for (const path of decision.write)
      await trainer.saveCheckpoint(path, { weightsOnly: saveWeightsOnly, background: true })
    const { link } = decision
    if (link && trainer.globalRank === 0)
      trainer.background.after(link.path, (files) => linkOrCopy(files, link.path, link.target))
    await trainer.forgetCheckpoints(decision.drop)
    if (verbose && trainer.globalRank === 0 && decision.line !== '') console.info(decision.line)
  }

  /** On rank 0. */
  private async decide(trainer: Trainer, score: number | null, keeps: boolean): Promise<Decision> {
    const { saveTopK, monitor, mode } = this.options
    const ranking = { mode, saveTopK }
    const place = `Epoch ${trainer.currentEpoch}, global step ${trainer.globalStep}`
    const write: string[] = []
    const drop: string[] = []
    let memory = this.memory()
    let line = ''
    if (keeps && monitor !== undefined && score !== null) {
      const value = `${monitor} is ${score}`
      if (isAmongBest(memory, score, ranking)) {
        const goes = displaced(memory, ranking)
        const path = await this.pathFor(trainer, goes)
        memory = { ...withScored(memory, path, score, ranking), lastCheckpointSaved: path }
        write.push(path)
        if (goes !== '' && goes !== path) drop.push(goes)
        line = `${place}: ${value} (best ${memory.bestModelScore}), saved as ${path}, top ${saveTopK}.`
      } else {
        const worst = memory.kthValue === null ? '' : `, worst kept ${memory.kthValue}`
        line = `${place}: ${value}, not among the best ${saveTopK} (best ${memory.bestModelScore}${worst}).`
      }
    } else if (keeps) {
      const previous = memory.bestModelPath
      const path = await this.pathFor(trainer, previous)
      memory = { ...memory, bestModelPath: path, lastCheckpointSaved: path }
      write.push(path)
      if (saveTopK === 1 && previous !== '' && previous !== path) drop.push(previous)
      line = `${place}: saved as ${path}.`
    }
    const last = await this.decideLast(trainer, memory, write, drop)
    if (write.length > 0 || last.link) memory = { ...last.memory, lastGlobalStep: trainer.globalStep }
    return { write, link: last.link, drop, memory, line }
  }

  /** What becomes of `last.ckpt`; adds to what is to be written and dropped. */
  private async decideLast(
    trainer: Trainer,
    memory: CheckpointMemory,
    write: string[],
    drop: string[],
  ): Promise<{ link: Decision['link']; memory: CheckpointMemory }> {
    const { saveLast, saveTopK } = this.options
    if (saveLast === false) return { link: null, memory }
    const previous = memory.lastModelPath
    const path = await this.free(trainer, LAST, previous)
    if (previous !== '' && previous !== path) drop.push(previous)
    const target = memory.lastCheckpointSaved
    const links = saveLast === 'link' && saveTopK !== 0 && target !== ''
    if (!links) write.push(path)
    return { link: links ? { path, target } : null, memory: { ...memory, lastModelPath: path } }
  }

  /** The name for the state of now. `reused`: a path that may be written over. */
  private pathFor(trainer: Trainer, reused: string): Promise<string> {
    const { filename, autoInsertMetricName } = this.options
    const values = { ...trainer.callbackMetrics, epoch: trainer.currentEpoch, step: trainer.globalStep }
    const { name, notes } = checkpointName(filename, values, autoInsertMetricName)
    for (const note of notes) this.tell(note, 'info')
    return this.free(trainer, name, reused)
  }

  private async free(trainer: Trainer, name: string, reused: string): Promise<string> {
    const path = joined(this.dirpath ?? checkpointFolder(trainer, this.options.dirpath), name)
    if (!this.options.enableVersionCounter) return path + ENDING
    const own = new Set([...Object.keys(this.bestKModels), this.bestModelPath, this.lastModelPath])
    const isTaken = async (candidate: string): Promise<boolean> => {
      const file = candidate + ENDING
      return file !== reused && (own.has(file) || (await isThere(trainer, file)))
    }
    return (await freeName(path, isTaken)) + ENDING
  }

  /** Once for each text. */
  private tell(text: string, level: 'info' | 'warn'): void {
    if (this.told.has(text)) return
    this.told.add(text)
    console[level](text)
  }
}

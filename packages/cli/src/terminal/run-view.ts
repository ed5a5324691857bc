/**
 * Everything a person sees of a run in the terminal, in the order it happens. Fed with the run's state and
 * the ranks' events; decides only what to print. Not for: keeping results (report/recorder.ts).
 */
import type { LinkReport, RankEvent, RunReport, RunState, SetupEvent, WireError } from '@rondo/protocol'
import color from 'picocolors'
import { bannerLines, memberLine, registeredLines } from './banner.ts'
import { count, duration, metric } from './format.ts'
import { EpochProgress } from './progress.ts'
import type { Screen } from './screen.ts'
import type { StackMapper } from './stack-map.ts'
import { stepLine } from './step-line.ts'
import { waitingLine } from './waiting.ts'

/** Milliseconds between two waiting lines when nothing changes. */
const WAITING_INTERVAL_MS = 5_000
/** Milliseconds between two progress lines where no status line can be redrawn. */
const PLAIN_PROGRESS_MS = 10_000
/** Names under which scripts report what they are judged by. */
const ACCURACY_NAMES = ['test_accuracy', 'testAccuracy'] as const

export interface RunViewOptions {
  screen: Screen
  mapStack: StackMapper
  debug: 'off' | 'info' | 'detail'
}

export class RunView {
  readonly #screen: Screen
  readonly #options: RunViewOptions
  readonly #ready = new Map<number, LinkReport[]>()
  readonly #setups = new Map<number, SetupEvent>()
  readonly #progress = new EpochProgress()
  readonly #timer: NodeJS.Timeout
  #run: RunState | null = null
  #skewMs = 0
  #lastWaiting = ''
  #registered = false
  #bannerShown = false
  #lastPlain = 0
  #finishedEpoch = -1

  constructor(options: RunViewOptions) {
    this.#options = options
    this.#screen = options.screen
    this.#timer = setInterval(() => this.#sayWaiting(true), WAITING_INTERVAL_MS)
  }

  /** A new snapshot of the run. `serverTime` is the server's clock, ms. */
  state(run: RunState, serverTime: number): void {
    if (run.seats.length !== this.#worldSize) this.#forgetRanks()
    this.#run = run
    this.#skewMs = serverTime - Date.now()
    this.#sayWaiting(false)
  }

  event(rank: number, event: RankEvent): void {
    switch (event.kind) {
      case 'ready':
        this.#onReady(rank, event.links)
        return
      case 'setup':
        this.#setups.set(rank, event)
        this.#sayBanner()
        return
      case 'progress':
        this.#onProgress(rank, event)
        return
      case 'console':
        this.#onConsole(rank, event.level, event.text)
        return
      case 'bar':
        this.#onBar(event)
        return
      case 'message':
      case 'timeline':
        return
      case 'metrics': {
        if (this.#options.debug === 'off') return
        const values = Object.entries(event.values).map(([name, value]) => `${name} ${metric(value)}`)
        this.#screen.debug(`${this.#prefix(rank)}${values.join(' · ')} (step ${event.step})`)
        return
      }
      case 'done':
      case 'error':
        return
      default:
        event satisfies never
    }
  }

  /** The last lines: how it went and where the results are. */
  end(report: RunReport, folder: string, files: readonly string[]): void {
    this.close()
    if (report.error !== undefined) this.error(report.error)
    const samples = report.ranks.reduce((sum, rank) => sum + rank.samples, 0)
    const figures = samples > 0 ? ` · ${count(samples)} samples · ${count(report.samplesPerSecond)} samples/s` : ''
    const word = { done: color.green('done'), failed: color.red('failed'), stopped: color.yellow('stopped') }[
      report.status
    ]
    this.#screen.line(`\nRun ${report.run} ${word} in ${duration(report.wallSeconds)}${figures}`)
    const step = stepLine(report.ranks)
    if (step !== null) this.#screen.line(color.dim(step))
    const accuracy = ACCURACY_NAMES.map((name) => report.metrics[name]).find((value) => value !== undefined)
    if (accuracy !== undefined) this.#screen.line(`test accuracy ${color.bold(accuracy.toFixed(4))}`)
    this.#screen.line(`results in ${folder}: ${files.join(', ')}`)
  }

  /** An error with rank and node, and the person's own lines in the stack. */
  error(error: WireError): void {
    const where = error.rank === undefined ? '' : `rank ${error.rank}${error.node ? ` on ${error.node}` : ''}: `
    this.#screen.line(color.red(`${where}${error.name === 'RondoError' ? '' : `${error.name}: `}${error.message}`))
    const isScripts = error.name !== 'RondoError' || error.code === 'SCRIPT_FAILED'
    if (error.stack === undefined || !(isScripts || this.#options.debug !== 'off')) return
    const frames = this.#options.mapStack(error.stack).split('\n')
    const shown = frames.filter(
      (line) => /^\s*at /.test(line) && (this.#options.debug === 'detail' || !/\/(assets|runtime)\//.test(line)),
    )
    if (shown.length > 0) this.#screen.line(color.dim(shown.join('\n')))
  }

  /** Stops the waiting lines and takes the status line away. */
  close(): void {
    clearInterval(this.#timer)
    this.#screen.clear()
  }

  /** A run that grows says anew who is there and what it uses. */
  #forgetRanks(): void {
    this.#ready.clear()
    this.#setups.clear()
    this.#registered = false
    this.#bannerShown = false
  }

  get #worldSize(): number {
    return this.#run?.seats.length ?? 0
  }

  #prefix(rank: number): string {
    return color.dim(`[rank ${rank}] `)
  }

  #sayWaiting(repeat: boolean): void {
    const run = this.#run
    if (run === null || this.#ready.size === this.#worldSize || run.endedAt !== null) return
    const line = waitingLine(run.seats, new Set(this.#ready.keys()), Date.now() + this.#skewMs)
    if (!repeat && line === this.#lastWaiting) return
    this.#lastWaiting = line
    this.#screen.line(line)
  }

  #onReady(rank: number, links: LinkReport[]): void {
    const run = this.#run
    if (run === null) return
    this.#ready.set(rank, links)
    // A script that was opened alone may never ask for company; then there is nothing to tell.
    if (run.config.growable === true && this.#worldSize === 1) return
    this.#screen.line(memberLine(rank, this.#worldSize))
    this.#sayWaiting(false)
    if (this.#registered || this.#ready.size < this.#worldSize) return
    this.#registered = true
    for (const line of registeredLines(run, this.#links())) this.#screen.line(line)
  }

  #sayBanner(): void {
    if (this.#bannerShown || this.#run === null || this.#setups.size < this.#worldSize) return
    this.#bannerShown = true
    const setups = [...this.#setups].sort(([a], [b]) => a - b).map(([, setup]) => setup)
    for (const line of bannerLines(this.#run, setups, this.#links())) this.#screen.line(line)
  }

  #links(): LinkReport[] {
    return [...this.#ready.values()].flat()
  }

  #onProgress(rank: number, event: Extract<RankEvent, { kind: 'progress' }>): void {
    const now = performance.now()
    this.#progress.update(rank, event, now)
    if (!this.#progress.shown) return
    const text = this.#progress.text(now)
    if (this.#progress.isEpochDone(this.#worldSize)) {
      if (this.#finishedEpoch === event.epoch) return
      this.#finishedEpoch = event.epoch
      this.#screen.clear()
      if (this.#progress.leaves) this.#screen.line(text)
    } else if (this.#screen.interactive) {
      this.#screen.status(text)
    } else if (now - this.#lastPlain >= PLAIN_PROGRESS_MS) {
      this.#lastPlain = now
      this.#screen.line(text)
    }
  }

  /** What came out of the epoch after its bar was full, such as values of validation. */
  #onBar(event: Extract<RankEvent, { kind: 'bar' }>): void {
    this.#progress.beside(event)
    if (!event.shown) this.#screen.clear()
    const { values, leaves } = this.#progress
    if (event.shown && event.epochDone && leaves && values !== '') this.#screen.line(values)
  }

  #onConsole(rank: number, level: Extract<RankEvent, { kind: 'console' }>['level'], text: string): void {
    if (level === 'debug' && this.#options.debug !== 'detail') return
    const paint = level === 'error' ? color.red : level === 'warn' ? color.yellow : (line: string) => line
    for (const line of this.#options.mapStack(text).split('\n')) {
      const shown = this.#prefix(rank) + paint(line)
      if (level === 'debug') this.#screen.debug(shown)
      else this.#screen.line(shown)
    }
  }
}

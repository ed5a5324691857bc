/**
 * Follows one job on its ranks: who has begun, who has ended and how, what they show. Not for: what an outcome means
 * (job.ts).
 */
import type { CellError, KernelOutput } from '@rondo/kernel/output'
import { type RankEvent, type RondoError, type RunState, toWireError } from '@rondo/protocol'
import * as v from 'valibot'
import { KernelOutputSchema, type RankMessage } from '../rank/messages.ts'
import type { PoolEvent } from './events.ts'
import type { RunListener } from './rank-run.ts'
import type { RunFolder } from './run-folder.ts'

type Failed = Extract<RankMessage, { type: 'failed' }>
export interface RankFailed {
  rank: number
  error: CellError
  reason: Failed['reason']
}

export class JobWatch implements RunListener {
  readonly job: number
  readonly ranks: readonly number[]
  /** File of the encoded value by rank; null where a rank gives none. */
  readonly done = new Map<number, string | null>()
  /** In the order in which they came. */
  readonly failures: RankFailed[] = []
  readonly #started = new Set<number>()
  readonly #folder: RunFolder
  readonly #tell: (event: PoolEvent) => void
  /** Outputs that lie in files come by HTTP; later ones wait for them. */
  #outputs: Promise<void> = Promise.resolve()
  #fetching = 0

  constructor(job: number, ranks: readonly number[], folder: RunFolder, tell: (event: PoolEvent) => void) {
    this.job = job
    this.ranks = ranks
    this.#folder = folder
    this.#tell = tell
  }

  get allStarted(): boolean {
    return this.ranks.every((rank) => this.#started.has(rank) || this.#hasEnded(rank))
  }

  get allEnded(): boolean {
    return this.ranks.every((rank) => this.#hasEnded(rank))
  }

  /** Ranks of the job that still work on it. */
  get running(): number[] {
    return this.ranks.filter((rank) => !this.#hasEnded(rank))
  }

  /** Ranks that have not said that they began. */
  get silent(): number[] {
    return this.ranks.filter((rank) => !this.#started.has(rank) && !this.#hasEnded(rank))
  }

  /** The error that a rank's own code threw first. */
  get culprit(): RankFailed | undefined {
    return this.failures.find(({ reason }) => reason === 'own')
  }

  /** What a rank heard of one that has not said a word of its own. */
  get lost(): RankFailed | undefined {
    return this.failures.find(({ error }) => error.rank !== null && !this.#hasEnded(error.rank))
  }

  /** Resolves when every output that came has been told. */
  shown(): Promise<void> {
    return this.#outputs
  }

  onState(run: RunState): void {
    this.#tell({ type: 'run', run })
  }

  onEvent(rank: number, event: RankEvent): void {
    this.#tell({ type: 'rank', rank, event })
  }

  onMessage(rank: number, message: RankMessage): void {
    if (!('job' in message) || message.job !== this.job || !this.ranks.includes(rank)) return
    switch (message.type) {
      case 'started':
        this.#started.add(rank)
        return
      case 'output':
        this.#show(rank, message.output)
        return
      case 'output-file':
        this.#fetch(rank, message.file)
        return
      case 'done':
        this.done.set(rank, message.file)
        this.#tell({ type: 'rank-ended', rank, ok: true, milliseconds: message.milliseconds })
        return
      case 'failed':
        this.failures.push({ rank, error: message.error, reason: message.reason })
        this.#tell({ type: 'rank-ended', rank, ok: false, milliseconds: message.milliseconds })
        return
      default:
        message satisfies never
    }
  }

  onEnd(_error: RondoError): void {}

  #hasEnded(rank: number): boolean {
    return this.done.has(rank) || this.failures.some((failure) => failure.rank === rank)
  }

  #show(rank: number, output: KernelOutput): void {
    if (this.#fetching === 0) this.#tell({ type: 'output', rank, output })
    else this.#outputs = this.#outputs.then(() => this.#tell({ type: 'output', rank, output }))
  }

  #fetch(rank: number, file: string): void {
    this.#fetching += 1
    const loaded = this.#load(file)
    this.#outputs = this.#outputs.then(async () => {
      const output = await loaded
      this.#fetching -= 1
      this.#folder.remove([file])
      this.#tell({ type: 'output', rank, output })
    })
  }

  /** The output, or a line that says why it cannot be shown. */
  async #load(file: string): Promise<KernelOutput> {
    try {
      const bytes = await this.#folder.get(file, new AbortController().signal)
      return v.parse(KernelOutputSchema, JSON.parse(new TextDecoder().decode(bytes)))
    } catch (thrown) {
      return {
        kind: 'stream',
        name: 'stderr',
        text: `An output could not be fetched: ${toWireError(thrown).message}\n`,
      }
    }
  }
}

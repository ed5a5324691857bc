/**
 * One rank worker as its page sees it: started, told to stop, ended. Not for: deciding when (NodeHost).
 */
import { type RankEvent, RondoError, type RunStart, toWireError, type WireError } from '@rondo/protocol'
import type { FromRank, ToRank } from '../rank/messages.ts'
import { offerDownload } from './offer-download.ts'

/** Milliseconds for `finally` blocks and callbacks of a stopped rank before its worker is terminated. */
const STOP_GRACE_MS = 2_000

export interface RankWorkerOptions {
  start: RunStart
  rank: number
  linkPort: MessagePort
  uploadToken: string
  /** Name of the session that the page joined. */
  session: string | null
  workerUrl: string
  onEvent: (event: RankEvent) => void
  /** Bytes for the run's controller, where it is on this page. */
  onFile: (name: string, bytes: ArrayBuffer) => void
}

/** Starts the worker at once. Events arrive through `onEvent`; a crash of the worker is an `error` event. */
export class RankWorker {
  readonly rank: number
  private readonly worker: Worker
  private readonly onEvent: (event: RankEvent) => void
  private ended = false
  private stopping = false

  constructor(options: RankWorkerOptions) {
    this.rank = options.rank
    this.onEvent = options.onEvent
    this.worker = new Worker(options.workerUrl, { type: 'module', name: `rank ${options.rank}` })
    this.worker.onmessage = ({ data }: MessageEvent<FromRank>) => {
      if (this.ended) return
      if (data.type === 'file') options.onFile(data.name, data.bytes)
      else if (data.type === 'download') offerDownload(data.name, data.bytes)
      else this.onEvent(data.event)
    }
    this.worker.onerror = (failure) => {
      failure.preventDefault()
      this.fail(
        new RondoError(
          'RANK_FAILED',
          `Rank ${options.rank}'s worker failed: ${failure.message || 'its program could not be loaded'}` +
            `${failure.filename ? ` (${failure.filename}:${failure.lineno})` : ''}. Reload the page; if it happens again, run "rondo doctor".`,
          { rank: options.rank },
        ),
      )
    }
    this.post(
      {
        type: 'init',
        start: options.start,
        rank: options.rank,
        linkPort: options.linkPort,
        origin: location.origin,
        uploadToken: options.uploadToken,
        session: options.session,
      },
      [options.linkPort],
    )
  }

  /** Tells the rank of the larger world that it is part of now. */
  grow(start: RunStart, linkPort: MessagePort): void {
    if (!this.ended) this.post({ type: 'grow', start, linkPort }, [linkPort])
  }

  /** Rejects what the rank waits for, gives it two seconds to tidy up, then ends it. Resolves when it is gone. */
  async stop(reason: string, error: WireError | null): Promise<void> {
    if (this.ended || this.stopping) return
    this.stopping = true
    this.post({ type: 'stop', reason, error })
    await new Promise((resolve) => setTimeout(resolve, STOP_GRACE_MS))
    this.terminate()
  }

  /** Passes a command of the run's controller on; the worker keeps it until its program asks. */
  command(commandId: string, data: unknown): void {
    if (!this.ended) this.post({ type: 'command', commandId, data })
  }

  /** Ends the worker now. */
  terminate(): void {
    this.ended = true
    this.worker.terminate()
  }

  /** Reports a failure of this rank that its own program cannot report. */
  fail(thrown: unknown): void {
    if (this.ended || this.stopping) return
    this.onEvent({ kind: 'error', error: { ...toWireError(thrown, 'RANK_FAILED'), rank: this.rank }, report: null })
  }

  private post(message: ToRank, transfer: Transferable[] = []): void {
    this.worker.postMessage(message, transfer)
  }
}

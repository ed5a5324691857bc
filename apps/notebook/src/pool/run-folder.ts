/**
 * The folder of a run that this page opened, over HTTP: programs go in, results come out. Not for: what is in a file
 * (@rondo/kernel/fork) or how ranks reach it (fabric).
 */
import { RondoError } from '@rondo/protocol'

/** Milliseconds for one transfer; a data set of some hundred megabytes on a slow network stays below it. */
const TRANSFER_TIMEOUT_MS = 300_000
/** Milliseconds for a small request. */
const REQUEST_TIMEOUT_MS = 10_000

export interface RunFolderOptions {
  /** Origin of the server that the page came from. */
  origin: string
  runId: string
  joinToken: string
  controlToken: string
  /** A file that a rank of this page handed over instead of storing it; null when it did not. */
  handedOver?: (name: string) => ArrayBuffer | null
}

export class RunFolder {
  readonly #options: RunFolderOptions
  /** Files are removed before the next is stored: the server may remove an empty folder with its last file. */
  #removals: Promise<unknown> = Promise.resolve()
  /** Files that never reached the server. */
  readonly #own = new Set<string>()

  constructor(options: RunFolderOptions) {
    this.#options = options
  }

  /** What whoever takes part may use: the session's join token. */
  get token(): string {
    return this.#options.joinToken
  }

  /** Makes it; STORAGE_FAILED with the server's reason when it refuses. */
  async create(signal: AbortSignal): Promise<void> {
    await this.#request('', 'POST', this.#options.controlToken, { signal, timeoutMs: REQUEST_TIMEOUT_MS })
  }

  async put(name: string, bytes: ArrayBuffer | Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<void> {
    await this.#removals
    const { joinToken } = this.#options
    await this.#request(`/files/${name}`, 'PUT', joinToken, { signal, timeoutMs: TRANSFER_TIMEOUT_MS, body: bytes })
  }

  async get(name: string, signal: AbortSignal): Promise<ArrayBuffer> {
    const { joinToken, handedOver } = this.#options
    const own = handedOver?.(name) ?? null
    if (own !== null) {
      this.#own.add(name)
      return own
    }
    const answer = await this.#request(`/files/${name}`, 'GET', joinToken, { signal, timeoutMs: TRANSFER_TIMEOUT_MS })
    return answer.arrayBuffer()
  }

  /** In the background: nobody waits for it, and what cannot be removed stays in the run's folder. */
  remove(names: readonly string[]): void {
    const signal = new AbortController().signal
    const stored = names.filter(
      (name) => !this.#own.delete(name) && (this.#options.handedOver?.(name) ?? null) === null,
    )
    this.#removals = Promise.allSettled([
      this.#removals,
      ...stored.map((name) =>
        this.#request(`/files/${name}`, 'DELETE', this.#options.controlToken, {
          signal,
          timeoutMs: REQUEST_TIMEOUT_MS,
        }),
      ),
    ])
  }

  async #request(
    path: string,
    method: string,
    token: string,
    options: { signal: AbortSignal; timeoutMs: number; body?: BodyInit },
  ): Promise<Response> {
    const { origin, runId } = this.#options
    const what = `${method} /runs/${runId}${path}`
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)])
    let answer: Response
    try {
      answer = await fetch(`${origin}/runs/${runId}${path}`, {
        method,
        headers: { 'x-rondo-token': token },
        cache: 'no-store',
        signal,
        ...(options.body === undefined ? {} : { body: options.body }),
      })
    } catch (cause) {
      if (options.signal.aborted) throw options.signal.reason
      throw new RondoError('STORAGE_FAILED', `${what} failed: ${String(cause)}. Is "npm start" still running?`, {
        cause,
      })
    }
    if (answer.ok) return answer
    const why = (await answer.text()).trim().slice(0, 300)
    throw new RondoError(
      'STORAGE_FAILED',
      `${what} was refused with status ${answer.status}: ${why || answer.statusText} Open the notebook by the link that "npm start" printed.`,
    )
  }
}

/**
 * The few calls of MLflow's REST API (2.0) that a logger needs, each tried again for a while when the server is away.
 * Not for: what is logged when (mlflow-logger.ts).
 */
import { RondoError } from '@rondo/protocol'

/** Milliseconds for one request. */
const REQUEST_TIMEOUT_MS = 10_000
/** Milliseconds after which a call is given up, tries and pauses included. */
const CALL_DEADLINE_MS = 60_000
/** Milliseconds before the second try; doubled with each. */
const FIRST_PAUSE_MS = 250
const TOO_MANY_REQUESTS = 429
const SERVER_ERRORS = 500

export interface MlflowApiOptions {
  /** Address of the tracking server, e.g. `http://localhost:5000`. */
  trackingUri: string
  /** Sent as `Authorization: Bearer …`. */
  token?: string | undefined
  deadlineMs?: number | undefined
}

export class MlflowApi {
  readonly #base: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #deadlineMs: number

  constructor({ trackingUri, token, deadlineMs = CALL_DEADLINE_MS }: MlflowApiOptions) {
    this.#base = `${trackingUri.replace(/\/+$/, '')}/api/2.0/mlflow`
    this.#headers = {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    }
    this.#deadlineMs = deadlineMs
  }

  post(path: string, body: object): Promise<Record<string, unknown>> {
    return this.#call(path, { method: 'POST', body: JSON.stringify(body) })
  }

  get(path: string, query: Readonly<Record<string, string>>): Promise<Record<string, unknown>> {
    return this.#call(`${path}?${new URLSearchParams(query)}`, { method: 'GET' })
  }

  /** Errors: STORAGE_FAILED with the server's own `error_code` in details, at the latest after the deadline. */
  async #call(path: string, init: RequestInit): Promise<Record<string, unknown>> {
    const url = `${this.#base}/${path}`
    const end = performance.now() + this.#deadlineMs
    for (let pause = FIRST_PAUSE_MS; ; pause *= 2) {
      const left = end - performance.now()
      const outcome = await this.#once(url, init, Math.min(REQUEST_TIMEOUT_MS, Math.max(1, Math.ceil(left))))
      if ('answer' in outcome) return outcome.answer
      if (!outcome.again || performance.now() + pause > end) throw outcome.error
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }

  async #once(
    url: string,
    init: RequestInit,
    timeoutMs: number,
  ): Promise<{ answer: Record<string, unknown> } | { error: RondoError; again: boolean }> {
    const what = `${init.method} ${url}`
    try {
      const signal = AbortSignal.timeout(timeoutMs)
      const response = await fetch(url, { ...init, headers: this.#headers, signal })
      const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>
      if (response.ok) return { answer }
      const { status } = response
      const why = `${answer['error_code'] ?? `status ${status}`}: ${String(answer['message'] ?? response.statusText).slice(0, 300)}`
      return {
        error: failure(`${what} was refused with ${why}`, { errorCode: answer['error_code'], status }),
        again: status === TOO_MANY_REQUESTS || status >= SERVER_ERRORS,
      }
    } catch (cause) {
      return { error: failure(`${what} failed: ${String(cause)}`, {}, cause), again: true }
    }
  }
}

function failure(problem: string, details: Record<string, unknown>, cause?: unknown): RondoError {
  return new RondoError(
    'STORAGE_FAILED',
    `MLFlowLogger: ${problem}. Allowed is an MLflow tracking server that this page may reach: it must be up, and answer other origins (mlflow server --cors-allowed-origins). Check trackingUri.`,
    { details, ...(cause === undefined ? {} : { cause }) },
  )
}

/** The kernel's side of asking the page: a request and its reply, matched by number. */
import type { CellError } from '@rondo/kernel/output'
import { fromWireError, type WireError } from '@rondo/protocol'
import type { FromKernel, PageRequest, ToKernel } from './messages.ts'

/** An error of a rank as it came: its frames already lie in the notebook's cells. */
export class RankFailure extends Error {
  /** What @rondo/kernel shows in place of a mapped stack. */
  readonly cellError: CellError
  readonly code: string | null

  constructor(cellError: CellError) {
    super(cellError.message)
    this.name = cellError.name
    this.cellError = cellError
    this.code = cellError.code
  }
}

export class PageRequests {
  readonly #post: (message: FromKernel, transfer: Transferable[]) => void
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  #next = 0

  constructor(post: (message: FromKernel, transfer: Transferable[]) => void) {
    this.#post = post
  }

  /** @throws what the page's side threw: a RondoError, or a RankFailure that knows the cell's lines */
  ask<T>(executionId: string, request: PageRequest, transfer: Transferable[] = []): Promise<T> {
    const requestId = this.#next++
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(requestId, { resolve: resolve as (value: unknown) => void, reject })
      this.#post({ type: 'request', requestId, executionId, request }, transfer)
    })
  }

  reply({ requestId, value, error }: Extract<ToKernel, { type: 'reply' }>): void {
    const waiting = this.#waiting.get(requestId)
    this.#waiting.delete(requestId)
    if (error === null) waiting?.resolve(value)
    else waiting?.reject(isCellError(error) ? new RankFailure(error) : fromWireError(error))
  }
}

function isCellError(error: WireError | CellError): error is CellError {
  return 'frames' in error
}

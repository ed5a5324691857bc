/**
 * Entry of the notebook's kernel: a worker in which cells run. Takes messages from the page and hands them to the
 * kernel; everything that a cell gives out goes back. Not for: running cells (@rondo/kernel).
 */
import { KernelHost } from './kernel-host.ts'
import type { FromKernel, ToKernel } from './messages.ts'

const scope = self as unknown as {
  onmessage: ((message: MessageEvent<ToKernel>) => void) | null
  onerror: ((message: unknown, source?: string, line?: number, column?: number, error?: unknown) => boolean) | null
  onunhandledrejection: ((rejection: PromiseRejectionEvent) => void) | null
  postMessage(message: FromKernel, transfer: Transferable[]): void
}

// Taken now: a cell may put something else in their place.
const post = scope.postMessage.bind(scope)
let host: KernelHost | null = null

scope.onmessage = ({ data }) => {
  if (data.type === 'init') {
    host = new KernelHost({
      origin: data.origin,
      token: data.token,
      post: (message, transfer = []) => post(message, transfer),
    })
    post({ type: 'ready' }, [])
    return
  }
  host?.receive(data)
}

// What a cell's timer or forgotten promise throws belongs under that cell; it does not end the kernel.
scope.onerror = (message, _source, _line, _column, error) => {
  host?.reportUnhandled(error ?? new Error(String(message)))
  return true
}
scope.onunhandledrejection = (rejection) => {
  rejection.preventDefault()
  host?.reportUnhandled(rejection.reason)
}

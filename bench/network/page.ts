/** The bench's page: one rank's link broker, with the bench in place of the signaling server. */
import type { Signal } from '@rondo/protocol'
import { LinkBroker, type LinkSignaling } from '@rondo/transport'
import type { LinkTask, TransferFigures, WorkerTask } from './messages.ts'
import { seats } from './seats.ts'

const listeners = new Set<(signal: Signal) => void>()
const signaling: LinkSignaling = {
  request: (_event: 'signal' | 'relay', payload: unknown) => passSignal(payload as Signal),
  on: (event: 'signal' | 'relay', listener: (message: never) => void) => {
    if (event === 'signal') listeners.add(listener as (signal: Signal) => void)
    return () => void listeners.delete(listener as (signal: Signal) => void)
  },
}
const broker = new LinkBroker({ signaling, browserId: null })
let worker: Worker | undefined

function ask(task: WorkerTask, transfer: Transferable[] = []): Promise<TransferFigures> {
  const asked = worker as Worker
  asked.postMessage(task, transfer)
  return new Promise((resolve, reject) => {
    asked.onmessage = ({ data }: MessageEvent<{ value: TransferFigures; error?: string }>) => {
      if (data.error === undefined) resolve(data.value)
      else reject(new Error(data.error))
    }
    asked.onerror = ({ message }) => reject(new Error(`the worker failed: ${message}`))
  })
}

globalThis.networkPage = {
  async link({ rank, runId, connections, timeoutMs }: LinkTask) {
    worker = new Worker('/network-worker.js', { type: 'module' })
    const { port1, port2 } = new MessageChannel()
    const accepted = ask({ task: 'accept', rank, port: port2, timeoutMs }, [port2])
    accepted.catch(() => {})
    const signal = new AbortController().signal
    const run = { runId, generation: 1, seats, backend: 'webrtc' } as const
    await broker.connect(run, rank, port1, { signal, timeoutMs, connections })
    await accepted
  },
  signaled: (signal) => {
    for (const listener of listeners) listener(signal)
  },
  send: (transfer) => ask({ task: 'send', ...transfer }),
  receive: (transfer) => ask({ task: 'receive', ...transfer }),
  close: (runId) => {
    broker.closeRun(runId)
    worker?.terminate()
  },
}

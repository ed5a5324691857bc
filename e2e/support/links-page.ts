/** The page of the link tests: a link broker on a bare signaling hub, and one worker a rank. */
import type { Relay, Signal } from '@rondo/protocol'
import { browserIdentity, LinkBroker, type LinkSignaling } from '@rondo/transport'
import { io } from 'socket.io-client'
import type { LinkFacts, StartOptions, WorkerTask } from './links-messages.ts'

const socket = io()
let loseCandidates = false

const signaling: LinkSignaling = {
  request: async (event: 'signal' | 'relay', payload: Signal | Relay) => {
    if (loseCandidates && JSON.stringify(payload).includes('"candidate"')) return
    const { ok } = await socket.emitWithAck(event, payload)
    if (!ok) throw new Error(`rank ${payload.to} is not here`)
  },
  on: (event: 'signal' | 'relay', listener: (message: never) => void) => {
    socket.on(event, listener as (...args: unknown[]) => void)
    return () => void socket.off(event, listener as (...args: unknown[]) => void)
  },
}

const browserId = browserIdentity()
const workers = new Map<number, Worker>()
const replies = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
let broker: LinkBroker | undefined
let calls = 0

function call(worker: Worker, task: WorkerTask, transfer: Transferable[] = []): Promise<unknown> {
  calls += 1
  const id = calls
  worker.postMessage({ id, task }, transfer)
  return new Promise((resolve, reject) => replies.set(id, { resolve, reject }))
}

function startWorker(): Worker {
  const worker = new Worker('/links-worker.js', { type: 'module' })
  worker.onmessage = ({ data }: MessageEvent<{ id: number; value?: unknown; error?: string }>) => {
    const reply = replies.get(data.id)
    replies.delete(data.id)
    if (data.error === undefined) reply?.resolve(data.value)
    else reply?.reject(new Error(data.error))
  }
  return worker
}

/** As if this browser could not transfer data channels. */
function refuseChannelTransfer(): void {
  const original = MessagePort.prototype.postMessage
  MessagePort.prototype.postMessage = function (message: unknown, transfer?: unknown) {
    if (Array.isArray(transfer) && transfer.some((item) => item instanceof RTCDataChannel)) {
      throw new DOMException('a data channel cannot be transferred here', 'DataCloneError')
    }
    return Reflect.apply(original, this, [message, transfer])
  }
}

async function start(options: StartOptions): Promise<Record<number, Record<number, LinkFacts>>> {
  const { ranks, seats, timeoutMs, iceTimeoutMs, withoutTransfer, withoutCandidates, connections = 'auto' } = options
  if (withoutTransfer) refuseChannelTransfer()
  loseCandidates = withoutCandidates === true
  broker ??= new LinkBroker({ signaling, browserId: await browserId, ...(iceTimeoutMs ? { iceTimeoutMs } : {}) })
  const made = broker
  const signal = new AbortController().signal
  const entries = ranks.map(async (rank) => {
    const worker = startWorker()
    workers.set(rank, worker)
    const { port1, port2 } = new MessageChannel()
    const task: WorkerTask = { task: 'accept', rank, worldSize: seats.length, timeoutMs: 2 * timeoutMs, port: port2 }
    const accepted = call(worker, task, [port2])
    accepted.catch(() => {})
    await made.connect(options, rank, port1, { signal, timeoutMs, connections })
    return [rank, await accepted] as const
  })
  return Object.fromEntries(await Promise.all(entries)) as Record<number, Record<number, LinkFacts>>
}

globalThis.linksPage = {
  browserId: () => browserId,
  own: async (ranks) => void (await socket.emitWithAck('own', ranks)),
  start,
  ask: (rank, task) => call(workers.get(rank) as Worker, task),
  terminate: (rank) => workers.get(rank)?.terminate(),
  closeRun: (runId) => broker?.closeRun(runId),
}

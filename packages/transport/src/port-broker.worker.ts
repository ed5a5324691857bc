/**
 * The SharedWorker that introduces tabs of one browser and origin to each other: it tells every page the
 * browser's id and hands two pages that name the same key the two ends of a channel. Built by itself as
 * /runtime/port-broker.js. Not for: carrying frames, they never pass through here.
 */
import { type FromPortBroker, MAX_KEY_CHARS, type ToPortBroker } from './broker-messages.ts'

/** Meetings that may wait for their second client; the oldest is forgotten beyond that. */
const MAX_WAITING = 4_096

const browserId = crypto.randomUUID()
/** First comers by key, oldest first. */
const waiting = new Map<string, MessagePort>()

function meet(key: string, client: MessagePort): void {
  const first = waiting.get(key)
  if (first === undefined || first === client) {
    waiting.set(key, client)
    const oldest = waiting.keys().next().value
    if (waiting.size > MAX_WAITING && oldest !== undefined) waiting.delete(oldest)
    return
  }
  waiting.delete(key)
  const { port1, port2 } = new MessageChannel()
  send(first, { type: 'met', key, port: port1 }, [port1])
  send(client, { type: 'met', key, port: port2 }, [port2])
}

function send(client: MessagePort, message: FromPortBroker, transfer: Transferable[] = []): void {
  client.postMessage(message, transfer)
}

// The DOM library knows no SharedWorkerGlobalScope; `connect` is all that is needed of it.
globalThis.addEventListener('connect', (event) => {
  const client = (event as MessageEvent).ports[0]
  if (!client) return
  client.onmessage = ({ data }: MessageEvent<ToPortBroker>) => {
    if (typeof data?.key !== 'string' || data.key.length > MAX_KEY_CHARS) return
    if (data.type === 'meet') meet(data.key, client)
    else if (data.type === 'forget' && waiting.get(data.key) === client) waiting.delete(data.key)
  }
  send(client, { type: 'browser', browserId })
})

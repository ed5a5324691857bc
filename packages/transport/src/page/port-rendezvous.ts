/**
 * The page's end of the port broker: learns the browser's id and meets other tabs. Not for: tabs of other
 * browsers, profiles or private windows, which have a broker of their own.
 */
import type { FromPortBroker, ToPortBroker } from '../broker-messages.ts'

/** Where the build puts the SharedWorker. */
export const DEFAULT_PORT_BROKER_URL = '/runtime/port-broker.js'
/** Milliseconds for the SharedWorker to start and answer: more means that it does not exist here. */
const START_TIMEOUT_MS = 5_000

export class PortRendezvous {
  readonly #worker: SharedWorker
  readonly #waiting = new Map<string, (port: MessagePort) => void>()
  /** Null when the SharedWorker cannot be had: its script is missing, or this browser has none. */
  readonly browserId: Promise<string | null>

  private constructor(worker: SharedWorker) {
    this.#worker = worker
    this.browserId = new Promise((resolve) => {
      const timer = setTimeout(() => resolve(null), START_TIMEOUT_MS)
      worker.onerror = () => resolve(null)
      worker.port.onmessage = ({ data }: MessageEvent<FromPortBroker>) => {
        if (data.type === 'browser') {
          clearTimeout(timer)
          resolve(data.browserId)
        } else this.#met(data.key, data.port)
      }
    })
  }

  /** Null where the browser has no SharedWorker (Chrome on Android). */
  static open(url: string = DEFAULT_PORT_BROKER_URL): PortRendezvous | null {
    return typeof SharedWorker === 'undefined' ? null : new PortRendezvous(new SharedWorker(url, { type: 'module' }))
  }

  /** Calls back with this side's end once the other page named the same key. The result forgets the meeting. */
  meet(key: string, met: (port: MessagePort) => void): () => void {
    this.#waiting.set(key, met)
    this.#send({ type: 'meet', key })
    return () => {
      if (this.#waiting.delete(key)) this.#send({ type: 'forget', key })
    }
  }

  close(): void {
    for (const key of this.#waiting.keys()) this.#send({ type: 'forget', key })
    this.#waiting.clear()
    this.#worker.port.close()
  }

  #met(key: string, port: MessagePort): void {
    const met = this.#waiting.get(key)
    this.#waiting.delete(key)
    if (met) met(port)
    else port.close()
  }

  #send(message: ToPortBroker): void {
    this.#worker.port.postMessage(message)
  }
}

/**
 * The id that all tabs of this browser and origin share, for joining a session; null when tabs cannot
 * exchange ports here, and links to other tabs then take WebRTC.
 */
export async function browserIdentity(portBrokerUrl?: string): Promise<string | null> {
  const rendezvous = PortRendezvous.open(portBrokerUrl)
  const browserId = rendezvous ? await rendezvous.browserId : null
  // The page's LinkBroker opens its own; a SharedWorker lives as long as one of its pages.
  rendezvous?.close()
  return browserId
}

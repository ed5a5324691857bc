/**
 * The attempt through the signaling server: everything that two port links say to each other, credits
 * included, goes as relay messages, so that back-pressure is end to end. The carrier of last resort. Not
 * for: speed, every byte crosses the server.
 */
import type { Attempt, AttemptContext } from './attempt.ts'

/** Relay messages of one direction that may wait for the server's acknowledgement. */
const MAX_IN_FLIGHT = 4
/** The last byte of a relay message says what it holds; last, so that frames keep their alignment. */
const FRAME = 0
const CREDIT = 1
const CONTROL = 2

type Wire = Uint8Array<ArrayBuffer>

export function attemptRelay(context: AttemptContext): Attempt {
  const { runId, generation, rank, peer, signaling } = context
  const { port1: port, port2 } = new MessageChannel()
  const queue: Wire[] = []
  let inFlight = 0
  let closed = false

  const request = (frame: Wire) => signaling.request('relay', { runId, generation, from: rank, to: peer, frame })
  /** Ports and relays tell nobody that they closed, so the reason is said to the worker and, if possible, the peer. */
  const close = (reason = 'the page closed the run', tellPeer = true) => {
    if (closed) return
    closed = true
    const bye = { kind: 'bye', clean: false, reason }
    port.postMessage(bye)
    port.close()
    if (tellPeer) request(encode(bye)).catch(() => {})
  }
  const pump = () => {
    while (!closed && inFlight < MAX_IN_FLIGHT) {
      const frame = queue.shift()
      if (!frame) return
      inFlight += 1
      request(frame).then(
        () => {
          inFlight -= 1
          pump()
        },
        (error: unknown) => {
          if (closed) return
          const reason = `the relay refused a message: ${error instanceof Error ? error.message : String(error)}`
          close(reason, false)
          context.fail(reason)
        },
      )
    }
  }
  // The queue is bounded by the port links' credits: a sender stops at their high watermark.
  port.onmessage = ({ data }: MessageEvent<ArrayBuffer | number | object>) => {
    queue.push(encode(data))
    pump()
  }
  context.offer({ port: port2 })
  return {
    relayed: (frame) => {
      const message = decode(frame)
      if (message instanceof ArrayBuffer) port.postMessage(message, [message])
      else port.postMessage(message)
    },
    close: () => close(),
  }
}

function encode(data: ArrayBuffer | number | object): Wire {
  if (data instanceof ArrayBuffer) return withKind(new Uint8Array(data), FRAME)
  return withKind(new TextEncoder().encode(JSON.stringify(data)), typeof data === 'number' ? CREDIT : CONTROL)
}

function withKind(body: Uint8Array, kind: number): Wire {
  const wire = new Uint8Array(body.byteLength + 1)
  wire.set(body)
  wire[body.byteLength] = kind
  return wire
}

/** Anything unreadable becomes null, which the port link refuses. */
function decode(wire: Uint8Array | ArrayBuffer): ArrayBuffer | number | object | null {
  const bytes = wire instanceof ArrayBuffer ? new Uint8Array(wire) : wire
  const body = bytes.slice(0, -1)
  if (bytes.at(-1) === FRAME) return body.buffer as ArrayBuffer
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body))
    return typeof value === 'number' || typeof value === 'object' ? value : null
  } catch {
    return null
  }
}

/**
 * The program of the proxy's own process: UDP sockets in pairs, every packet held for half a round trip and some
 * dropped. Timers tick once a millisecond and release all that is due, and packets are queued by reference, so
 * that the proxy costs little beside the browsers. Not for: deciding which addresses stand for whom (udp-proxy.ts).
 */
import { createSocket, type Socket } from 'node:dgram'
import type { ProxyReply, ProxyRequest, ProxyTraffic } from './udp-proxy-messages.ts'

/** Bytes that a socket may hold while this process is not scheduled; a browser's own buffer is smaller. */
const SOCKET_BYTES = 4_194_304
/** Packets on their way at once in one direction, as a power of two. What comes beyond is dropped and counted. */
const RING_SLOTS = 4_096
/** Milliseconds between two looks at the queue; the added delay is this coarse. */
const TICK_MS = 1
/**
 * Packets of one direction that leave in one tick, 14 MB/s. Chromium's receive buffer holds some 56 packets: when
 * this process was not scheduled for some milliseconds, all that is due at once would overrun it, which no network
 * does whose slowest stretch lets packets through one by one.
 */
const BURST_PACKETS = 12

/** Uniform in [0, 1): mulberry32, so that every run drops the same packets of the same sequence. */
function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** One direction of one connection: packets wait in the order of their arrival, all of them equally long. */
class DelayLine {
  readonly #exit: Socket
  readonly #packets = new Array<Buffer | null>(RING_SLOTS).fill(null)
  readonly #due = new Float64Array(RING_SLOTS)
  #head = 0
  #tail = 0

  constructor(exit: Socket) {
    this.#exit = exit
  }

  take(packet: Buffer, due: number): void {
    const next = (this.#tail + 1) & (RING_SLOTS - 1)
    if (next === this.#head) {
      traffic.overrun += 1
      return
    }
    this.#packets[this.#tail] = packet
    this.#due[this.#tail] = due
    this.#tail = next
  }

  /** @returns whether packets are left */
  release(now: number): boolean {
    for (let sent = 0; sent < BURST_PACKETS && this.#head !== this.#tail; sent++) {
      if ((this.#due[this.#head] as number) > now) return true
      this.#exit.send(this.#packets[this.#head] as Buffer)
      this.#packets[this.#head] = null
      this.#head = (this.#head + 1) & (RING_SLOTS - 1)
    }
    return this.#head !== this.#tail
  }
}

let isTicking = false

function tick(): void {
  const now = performance.now()
  isTicking = false
  for (const line of lines.values()) if (line.release(now)) isTicking = true
  if (isTicking) setTimeout(tick, TICK_MS)
}

function pass(packet: Buffer, exit: Socket): void {
  if (delayMs === 0) {
    exit.send(packet)
    return
  }
  lines.get(exit)?.take(packet, performance.now() + delayMs)
  if (isTicking) return
  isTicking = true
  setTimeout(tick, TICK_MS)
}

function bound(address: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    socket.once('error', reject)
    socket.bind(0, address, () => {
      socket.setRecvBufferSize(SOCKET_BYTES)
      socket.setSendBufferSize(SOCKET_BYTES)
      // A browser that closed its socket answers with an error that is of no interest.
      socket.off('error', reject)
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}

const [roundTripMs, loss, seed] = process.argv.slice(2).map(Number) as [number, number, number]
const traffic: ProxyTraffic = { packets: 0, bytes: 0, dropped: 0, overrun: 0 }
const delayMs = roundTripMs / 2
const isLost = random(seed)
/** By pair: the socket that stands for each side. It receives what the other side sends to it. */
const pairs = new Map<number, readonly [Socket, Socket]>()

async function perform(request: ProxyRequest): Promise<ProxyReply['value']> {
  switch (request.kind) {
    case 'pair': {
      const sockets = [await bound(request.address), await bound(request.address)] as const
      for (const side of [0, 1] as const) {
        const exit = sockets[1 - side] as Socket
        sockets[side].on('message', (packet) => {
          traffic.packets += 1
          traffic.bytes += packet.byteLength
          if (loss > 0 && isLost() < loss) traffic.dropped += 1
          else if (lines.has(exit)) pass(packet, exit)
        })
      }
      pairs.set(request.pair, sockets)
      return sockets.map((socket) => socket.address().port)
    }
    case 'side': {
      // What comes for this side leaves by the socket that stands for the other one: there its answers go.
      const exit = pairs.get(request.pair)?.[request.side === 0 ? 1 : 0]
      if (!exit || lines.has(exit)) return null
      await new Promise<void>((resolve) => exit.connect(request.port, request.address, () => resolve()))
      lines.set(exit, new DelayLine(exit))
      return null
    }
    case 'traffic':
      return { ...traffic }
    default:
      return request satisfies never
  }
}

/** By the socket that packets leave by. Each is connected to its side's address: no look-up for every packet. */
const lines = new Map<Socket, DelayLine>()

process.on('message', ({ id, request }: { id: number; request: ProxyRequest }) => {
  void perform(request).then((value) => process.send?.({ id, value } satisfies ProxyReply))
})
process.on('disconnect', () => process.exit())

/**
 * A stretch of network between two UDP endpoints of this machine: adds a round trip and loses packets. Runs in a
 * process of its own. Not for: limiting the rate, it passes what it can (`proxyCeiling`).
 */
import { type ChildProcess, fork } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProxyReply, ProxyRequest, ProxyTraffic } from './udp-proxy-messages.ts'

export interface NetworkPath {
  /** Milliseconds added to a round trip. */
  roundTripMs: number
  /** Share of packets lost, each way: 0.001 is 0.1 %. */
  loss: number
}

/** Of the loss; the same for every run. */
const SEED = 20_260
/** Of the ceiling: packets as large as those of a data channel, a few rounds, few enough not to overrun buffers. */
const CEILING_PACKET_BYTES = 1_200
const CEILING_PACKETS = 30_000
const CEILING_IN_FLIGHT = 64
const LOOPBACK = '127.0.0.1'

export class UdpProxy {
  readonly #process: ChildProcess
  readonly #replies = new Map<number, (value: never) => void>()
  #requests = 0
  #pairs = 0

  /** Packets pass unchanged and at once where `path` adds nothing. */
  constructor({ roundTripMs, loss }: NetworkPath) {
    const program = join(import.meta.dirname, 'udp-proxy-process.ts')
    const execArgv = ['--import', import.meta.resolve('tsx')]
    this.#process = fork(program, [roundTripMs, loss, SEED].map(String), { execArgv })
    this.#process.on('message', ({ id, value }: ProxyReply) => {
      this.#replies.get(id)?.(value as never)
      this.#replies.delete(id)
    })
  }

  /** Opens a way between two endpoints that use this address of the machine. The other side sends to `ports[side]` to reach `side`. */
  async pair(address: string): Promise<{ pair: number; ports: readonly [number, number] }> {
    this.#pairs += 1
    const pair = this.#pairs
    return { pair, ports: await this.#ask({ kind: 'pair', pair, address }) }
  }

  /** Tells where `side` of a pair really is. The first word counts. */
  async side(pair: number, side: 0 | 1, address: string, port: number): Promise<void> {
    await this.#ask({ kind: 'side', pair, side, address, port })
  }

  traffic(): Promise<ProxyTraffic> {
    return this.#ask({ kind: 'traffic' })
  }

  close(): void {
    this.#process.disconnect()
  }

  #ask<T>(request: ProxyRequest): Promise<T> {
    this.#requests += 1
    const id = this.#requests
    return new Promise((resolve) => {
      this.#replies.set(id, resolve as (value: never) => void)
      this.#process.send({ id, request })
    })
  }
}

/** Packets that the kernel threw away because a receiver's buffer was full, of all UDP sockets that are open. */
export function kernelDrops(): number {
  try {
    const [, ...rows] = readFileSync('/proc/net/udp', 'utf8').trim().split('\n')
    return rows.reduce((sum, row) => sum + Number(row.trim().split(/\s+/).at(-1)), 0)
  } catch {
    return Number.NaN
  }
}

/**
 * Bytes per second that a proxy of this kind passes when nothing else works: what a measurement through it must
 * stay well below. One sender and receiver in this process, which share the machine's cores with it.
 */
export async function proxyCeiling(): Promise<number> {
  const proxy = new UdpProxy({ roundTripMs: 0, loss: 0 })
  const ends: Socket[] = []
  try {
    const { pair, ports } = await proxy.pair(LOOPBACK)
    for (const side of [0, 1] as const) {
      const socket = createSocket('udp4')
      ends.push(socket)
      await new Promise<void>((resolve) => socket.bind(0, LOOPBACK, () => resolve()))
      await proxy.side(pair, side, LOOPBACK, socket.address().port)
      await new Promise<void>((resolve) => socket.connect(ports[side === 0 ? 1 : 0], LOOPBACK, () => resolve()))
    }
    const [sender, receiver] = ends as [Socket, Socket]
    const packet = Buffer.alloc(CEILING_PACKET_BYTES)
    let received = 0
    const began = performance.now()
    await new Promise<void>((resolve) => {
      receiver.on('message', () => {
        received += 1
        if (received === CEILING_PACKETS) resolve()
        else if (received + CEILING_IN_FLIGHT <= CEILING_PACKETS) sender.send(packet)
      })
      for (let i = 0; i < CEILING_IN_FLIGHT; i++) sender.send(packet)
    })
    return (CEILING_PACKETS * CEILING_PACKET_BYTES * 1_000) / (performance.now() - began)
  } finally {
    for (const socket of ends) socket.close()
    proxy.close()
  }
}

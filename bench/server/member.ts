/**
 * One member of the bench: a real socket.io client with the join of a page, that sends its neighbour the time and tells
 * how long such messages took. Not for: how many there are and what they do together (members.ts).
 */
import { type Ack, type AckValues, type ClientEvent, type ClientPayloads, PROTOCOL_VERSION } from '@rondo/protocol'
import { io, type Socket } from 'socket.io-client'
import { type Entry, sharedNow } from './messages.ts'

/** Milliseconds for a connection, and for an answer, on a machine that is busy with thousands of them. */
const CONNECT_MS = 60_000
const ANSWER_MS = 60_000

/** As a page on a machine with a GPU describes it; snapshots carry it for every member. */
const DEVICE: ClientPayloads['join']['device'] = {
  adapter: { vendor: 'nvidia', architecture: 'ampere', description: 'NVIDIA A100-SXM4-40GB', isFallback: false },
  webgpu: 'hardware',
  features: ['depth-clip-control', 'timestamp-query', 'shader-f16', 'subgroups', 'float32-filterable'],
  limits: { maxBufferSize: 4_294_967_296, maxStorageBufferBindingSize: 2_147_483_644 },
  cores: 8,
  secureContext: true,
  crossOriginIsolated: true,
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
}

export interface RunPlace {
  runId: string
  generation: number
  rank: number
  worldSize: number
}

export class Member {
  readonly #socket: Socket
  readonly #onDelay: (ms: number) => void
  #place: RunPlace | null = null
  /** Members that the newest snapshot holds. */
  #seen = 0
  #waiting: Array<{ fits(): boolean; done(): void }> = []

  private constructor(socket: Socket, onDelay: (ms: number) => void) {
    this.#socket = socket
    this.#onDelay = onDelay
    socket.on('session', ({ members }) => {
      this.#seen = members.length
      this.#look()
    })
    socket.on('run:start', ({ runId, generation, seats, yours }) => {
      this.#place = { runId, generation, rank: yours[0], worldSize: seats.length }
      this.#look()
    })
    socket.on('signal', ({ data }) => this.#onDelay(sharedNow() - data.sentAt))
  }

  /** Connects and joins with one slot. */
  static async join(url: string, entry: Entry, name: string, onDelay: (ms: number) => void): Promise<Member> {
    const member = new Member(await dial(url, entry.session, { role: 'page', token: entry.joinToken }), onDelay)
    const node = { id: name, label: name }
    await member.request('join', {
      pageId: name,
      browserId: null,
      node,
      firstLocalRank: null,
      slots: 1,
      device: DEVICE,
    })
    return member
  }

  get place(): RunPlace | null {
    return this.#place
  }

  /** Resolves when a snapshot with that many members came. */
  sees(count: number): Promise<void> {
    return this.#until(() => this.#seen >= count)
  }

  starts(): Promise<void> {
    return this.#until(() => this.#place !== null)
  }

  /** Sends the next rank the time; the server's answer comes when that rank's connection has it. */
  async greet(): Promise<void> {
    if (this.#place === null) throw new Error('a member without a run has nobody to greet')
    const { runId, generation, rank, worldSize } = this.#place
    const to = (rank + 1) % worldSize
    await this.request('signal', { runId, generation, from: rank, to, data: { sentAt: sharedNow() } })
  }

  async request<E extends ClientEvent>(event: E, payload: ClientPayloads[E]): Promise<AckValues[E]> {
    return ask(this.#socket, event, payload)
  }

  close(): void {
    this.#socket.disconnect()
  }

  #until(fits: () => boolean): Promise<void> {
    if (fits()) return Promise.resolve()
    return new Promise((done) => this.#waiting.push({ fits, done }))
  }

  #look(): void {
    const ready = this.#waiting.filter(({ fits }) => fits())
    this.#waiting = this.#waiting.filter((waiter) => !ready.includes(waiter))
    for (const { done } of ready) done()
  }
}

/** Opens a run on all members of a session, as its controller, and goes. */
export async function openRun(url: string, entry: Entry): Promise<void> {
  const socket = await dial(url, entry.session, { role: 'controller', token: entry.controlToken })
  await ask(socket, 'run:open', {
    config: {
      runId: `run-${entry.session}`,
      script: { name: 'bench.ts', url: '/bench.js', hash: 'bench' },
      args: [],
      devices: 1,
      numNodes: 1,
      explicit: [],
      processGroupBackend: 'auto',
      startTimeoutSeconds: 3_600,
      stepTimeoutSeconds: 60,
      debug: 'off',
      env: {},
    },
    nodes: null,
  })
  socket.disconnect()
}

function dial(url: string, session: string, who: { role: string; token: string }): Promise<Socket> {
  const auth = { protocol: PROTOCOL_VERSION, session, ...who }
  const socket = io(url, { auth, forceNew: true, reconnection: false, transports: ['websocket'], timeout: CONNECT_MS })
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket))
    socket.once('connect_error', reject)
  })
}

async function ask<E extends ClientEvent>(socket: Socket, event: E, payload: ClientPayloads[E]): Promise<AckValues[E]> {
  const reply = (await socket.timeout(ANSWER_MS).emitWithAck(event, payload)) as Ack<AckValues[E]>
  if (!reply.ok) throw new Error(`${event}: ${reply.error.message}`)
  return reply.value
}

/** The bench's page: joins the session with one rank or several, has their links made, and makes the yardstick's bare pipe. */
import type { RunStart } from '@rondo/protocol'
import { browserIdentity, LinkBroker, SignalingClient } from '@rondo/transport'
import { PortRendezvous } from '../../packages/transport/src/page/port-rendezvous.ts'
import { openRawChannel, type RawPipe, type RawSignal } from '../raw-link.ts'
import type { JoinOptions, WorkerTask } from './messages.ts'

/** The yardstick is measured between these two. */
const RAW_RANKS: readonly number[] = [0, 1]

const workers = new Map<number, RankWorker>()

/** The worker of one rank, and what it was asked. */
class RankWorker {
  readonly #worker = new Worker('/allreduce-worker.js', { type: 'module' })
  readonly #replies = new Map<number, { resolve(value: number): void; reject(error: Error): void }>()
  #calls = 0

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<{ id: number; value: number; error?: string }>) => {
      const reply = this.#replies.get(data.id)
      this.#replies.delete(data.id)
      if (data.error === undefined) reply?.resolve(data.value)
      else reply?.reject(new Error(data.error))
    }
    this.#worker.onerror = ({ message }) => {
      for (const reply of this.#replies.values()) reply.reject(new Error(`the worker failed: ${message}`))
    }
  }

  ask(task: WorkerTask, transfer: Transferable[] = []): Promise<number> {
    this.#calls += 1
    const id = this.#calls
    this.#worker.postMessage({ id, task }, transfer)
    return new Promise((resolve, reject) => this.#replies.set(id, { resolve, reject }))
  }
}

const givePipe = (worker: RankWorker, pipe: RawPipe): Promise<number> => worker.ask({ task: 'pipe', pipe }, [pipe])

/** A bare peer connection; its signals go beside those of the links. */
async function rawChannel(
  worker: RankWorker,
  client: SignalingClient,
  { runId, generation }: RunStart,
  rank: number,
): Promise<void> {
  const to = RAW_RANKS.find((other) => other !== rank)!
  const raw = openRawChannel({
    initiator: rank === RAW_RANKS[0],
    send: (message) => void client.request('signal', { runId, generation, from: rank, to, data: { raw: message } }),
  })
  client.on('signal', ({ data }) => {
    const message = (data as { raw?: RawSignal }).raw
    if (message) void raw.signal(message)
  })
  // In the same task in which it was created: a channel can be transferred only before it is used.
  const given = givePipe(worker, raw.channel)
  await raw.connect()
  await given
}

/** A bare port to the other tab, by the broker that the links use too. */
async function rawPort(worker: RankWorker, { runId }: RunStart): Promise<void> {
  const rendezvous = PortRendezvous.open()
  if (!rendezvous) throw new Error('this browser has no SharedWorker')
  const port = await new Promise<MessagePort>((resolve) => void rendezvous.meet(`raw/${runId}`, resolve))
  await givePipe(worker, port)
}

async function start(
  client: SignalingClient,
  broker: LinkBroker,
  run: RunStart,
  rank: number,
  { carrier, timeoutMs }: JoinOptions,
): Promise<void> {
  const worker = workers.get(rank)!
  const { runId, generation, seats } = run
  const yardstick =
    carrier !== 'shared' && RAW_RANKS.includes(rank)
      ? carrier === 'webrtc'
        ? rawChannel(worker, client, run, rank)
        : rawPort(worker, run)
      : undefined
  const { port1, port2 } = new MessageChannel()
  const nodeLabels = seats.map((seat) => seat.nodeLabel)
  const places = seats.map(({ pageId, browserId, nodeId }) => ({ pageId, browserId, nodeId }))
  const group = { rank, worldSize: seats.length, generation, nodeLabels, places, timeoutMs }
  const joined = worker.ask({ task: 'start', ...group, carrier, port: port2 }, [port2])
  const backend = carrier === 'shared' ? 'port' : carrier
  const linked = broker.connect({ runId, generation, seats, backend }, rank, port1, {
    signal: new AbortController().signal,
    timeoutMs,
  })
  await Promise.all([yardstick, linked, joined])
  await client.request('rank:event', { runId, generation, rank, event: { kind: 'ready', links: [] } })
}

let started: Promise<void> | undefined

globalThis.benchPage = {
  async join(options) {
    const { session, token, ranks } = options
    const [first] = ranks
    if (first === undefined) throw new Error('a page of the bench has a rank')
    for (const rank of ranks) workers.set(rank, new RankWorker())
    const browserId = await browserIdentity()
    const client = new SignalingClient({ url: location.origin, session, token, role: 'page' })
    const broker = new LinkBroker({ signaling: client, browserId })
    started = new Promise((resolve, reject) => {
      client.on('run:start', (run) => {
        const all = ranks.map((rank) => start(client, broker, run, rank, options))
        Promise.all(all).then(() => resolve(), reject)
      })
      client.on('run:stop', ({ reason }) => reject(new Error(reason)))
    })
    started.catch(() => {})
    await client.connect()
    await client.request('join', {
      pageId: `page-${first}`,
      browserId,
      node: { id: 'bench', label: 'bench' },
      firstLocalRank: first,
      slots: ranks.length,
      device: {
        adapter: null,
        webgpu: 'none',
        features: [],
        limits: {},
        cores: navigator.hardwareConcurrency,
        secureContext: isSecureContext,
        crossOriginIsolated,
        userAgent: navigator.userAgent,
      },
    })
  },
  async ready() {
    await started
  },
  measure: async (task) => Math.max(...(await Promise.all([...workers.values()].map((worker) => worker.ask(task))))),
}

/** The bench's page: joins the session as one rank, has its links made, and makes the yardstick's bare pipe. */
import type { RunStart } from '@rondo/protocol'
import { browserIdentity, LinkBroker, SignalingClient } from '@rondo/transport'
import { PortRendezvous } from '../../packages/transport/src/page/port-rendezvous.ts'
import { openRawChannel, type RawPipe, type RawSignal } from '../raw-link.ts'
import type { JoinOptions, WorkerTask } from './messages.ts'

/** The yardstick is measured between these two. */
const RAW_RANKS: readonly number[] = [0, 1]

const worker = new Worker('/allreduce-worker.js', { type: 'module' })
const replies = new Map<number, { resolve(value: number): void; reject(error: Error): void }>()
let calls = 0

worker.onmessage = ({ data }: MessageEvent<{ id: number; value: number; error?: string }>) => {
  const reply = replies.get(data.id)
  replies.delete(data.id)
  if (data.error === undefined) reply?.resolve(data.value)
  else reply?.reject(new Error(data.error))
}
worker.onerror = ({ message }) => {
  for (const reply of replies.values()) reply.reject(new Error(`the worker failed: ${message}`))
}

function ask(task: WorkerTask, transfer: Transferable[] = []): Promise<number> {
  calls += 1
  const id = calls
  worker.postMessage({ id, task }, transfer)
  return new Promise((resolve, reject) => replies.set(id, { resolve, reject }))
}

const givePipe = (pipe: RawPipe): Promise<number> => ask({ task: 'pipe', pipe }, [pipe])

/** A bare peer connection; its signals go beside those of the links. */
async function rawChannel(client: SignalingClient, { runId, generation }: RunStart, rank: number): Promise<void> {
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
  const given = givePipe(raw.channel)
  await raw.connect()
  await given
}

/** A bare port to the other tab, by the broker that the links use too. */
async function rawPort({ runId }: RunStart): Promise<void> {
  const rendezvous = PortRendezvous.open()
  if (!rendezvous) throw new Error('this browser has no SharedWorker')
  const port = await new Promise<MessagePort>((resolve) => void rendezvous.meet(`raw/${runId}`, resolve))
  await givePipe(port)
}

async function start(client: SignalingClient, broker: LinkBroker, run: RunStart, options: JoinOptions): Promise<void> {
  const { rank, carrier, timeoutMs } = options
  const { runId, generation, seats } = run
  const yardstick = RAW_RANKS.includes(rank)
    ? carrier === 'webrtc'
      ? rawChannel(client, run, rank)
      : rawPort(run)
    : undefined
  const { port1, port2 } = new MessageChannel()
  const nodeLabels = seats.map((seat) => seat.nodeLabel)
  const joined = ask({ task: 'start', rank, worldSize: seats.length, generation, nodeLabels, timeoutMs, port: port2 }, [
    port2,
  ])
  const linked = broker.connect({ runId, generation, seats, backend: carrier }, rank, port1, {
    signal: new AbortController().signal,
    timeoutMs,
  })
  await Promise.all([yardstick, linked, joined])
  await client.request('rank:event', { runId, generation, rank, event: { kind: 'ready', links: [] } })
}

let started: Promise<void> | undefined

globalThis.benchPage = {
  async join(options) {
    const { session, token, rank } = options
    const browserId = await browserIdentity()
    const client = new SignalingClient({ url: location.origin, session, token, role: 'page' })
    const broker = new LinkBroker({ signaling: client, browserId })
    started = new Promise((resolve, reject) => {
      client.on('run:start', (run) => void start(client, broker, run, options).then(resolve, reject))
      client.on('run:stop', ({ reason }) => reject(new Error(reason)))
    })
    started.catch(() => {})
    await client.connect()
    await client.request('join', {
      pageId: `page-${rank}`,
      browserId,
      node: { id: 'bench', label: 'bench' },
      firstLocalRank: rank,
      slots: 1,
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
  measure: (task) => ask(task),
}

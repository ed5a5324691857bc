/**
 * What happens before the first operation: every link is probed, the ring's links are brought up to speed
 * (SCTP starts slowly) and measured, and all ranks agree on the numbers that algorithms are chosen by.
 */
import { RondoError } from '@rondo/protocol'
import { Exchange } from './algorithms/exchange.ts'
import type { CostModel } from './cost-model.ts'
import { bytesOf } from './dtype.ts'
import type { GroupCore } from './group/core.ts'
import type { Peer } from './group/peer.ts'

/** Probes of each link, one after the other; the fastest counts. */
const PROBES = 3
/** Bytes sent to the next rank and back: what lets WebRTC's congestion window open; less through the server. */
const BURST_BYTES = 1_048_576
const RELAY_BURST_BYTES = 131_072
/** Milliseconds. A latency of nothing would make steps free. */
const MIN_LATENCY_MS = 0.001
/** Bytes per second that any rate is capped to, so that the model stays finite. */
const MAX_RATE = 1e11

/** Measures, unless `given`, and agrees. Rejects with TIMEOUT naming the ranks that did not answer. */
export async function warmUp(
  core: GroupCore,
  given: CostModel | undefined,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<CostModel> {
  const own = given ?? (await within(core, timeoutMs, signal, (answered) => measure(core, answered)))
  return agree(core, own, timeoutMs, signal)
}

type Answered = (peer: Peer) => Promise<void>

async function measure(core: GroupCore, answered: Answered): Promise<CostModel> {
  let latencyMs = 0
  await Promise.all(
    core.peers.map(async (peer) => {
      let fastest = Number.POSITIVE_INFINITY
      for (let i = 0; i < PROBES; i++) {
        const start = performance.now()
        core.ping(peer)
        await answered(peer)
        fastest = Math.min(fastest, performance.now() - start)
      }
      latencyMs = Math.max(latencyMs, fastest / 2)
    }),
  )
  const next = core.peer((core.rank + 1) % core.worldSize)
  const bytes = next.link.carrier === 'relay' ? RELAY_BURST_BYTES : BURST_BYTES
  const messages = Math.ceil(bytes / core.messageBytes)
  const start = performance.now()
  const pongs: Array<Promise<void>> = []
  for (let i = 0; i < messages; i++) {
    core.ping(next, core.messageBytes)
    pongs.push(answered(next))
  }
  await Promise.all(pongs)
  const ms = Math.max(performance.now() - start, MIN_LATENCY_MS)
  // Everything crossed the link twice, there and back.
  const bytesPerSecond = Math.min(MAX_RATE, (2 * messages * core.messageBytes * 1000) / ms)
  next.measuredThroughput(bytesPerSecond)
  return { latencyMs: Math.max(latencyMs, MIN_LATENCY_MS), bytesPerSecond }
}

/** Everyone sends its numbers to everyone and takes the worst of each: a ring is as slow as its slowest link. */
async function agree(
  core: GroupCore,
  own: CostModel,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<CostModel> {
  const mine = Float64Array.of(own.latencyMs, own.bytesPerSecond, core.messageBytes)
  const theirs = core.peers.map((peer) => ({ peer, values: new Float64Array(mine.length) }))
  const exchange = new Exchange(
    new Map(core.peers.map((peer) => [peer.rank, bytesOf(mine)])),
    new Map(theirs.map(({ peer, values }) => [peer.rank, bytesOf(values)])),
  )
  const what = { op: 'agree', name: 'cost model', dtype: 'float64', count: mine.length }
  await core.submit({ what, bytes: mine.byteLength, algorithm: exchange, signal, timeoutMs })
  const all = [mine, ...theirs.map(({ values }) => values)]
  core.useMessageBytes(Math.min(...all.map((values) => values[2]!)))
  return {
    latencyMs: Math.max(...all.map((values) => values[0]!)),
    bytesPerSecond: Math.min(...all.map((values) => values[1]!)),
  }
}

/** Runs `work` with a deadline; `answered` resolves with the next pong of a peer, in order of asking. */
async function within<T>(
  core: GroupCore,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  work: (answered: Answered) => Promise<T>,
): Promise<T> {
  const waiting = new Map<Peer, Array<() => void>>(core.peers.map((peer) => [peer, []]))
  const answered: Answered = (peer) => new Promise((resolve) => void waiting.get(peer)?.push(resolve))
  core.inbound.onPong = (peer) => waiting.get(peer)?.shift()?.()
  let timer: ReturnType<typeof setTimeout> | undefined
  let onAbort: (() => void) | undefined
  const stopped = new Promise<never>((_, reject) => {
    core.onFailure = reject
    if (core.failure !== null) reject(core.failure)
    onAbort = () => core.fail(new RondoError('ABORTED', 'The process group was aborted while its links were measured.'))
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) onAbort()
    if (timeoutMs < 2 ** 31) timer = setTimeout(() => core.fail(silent(core, waiting, timeoutMs)), timeoutMs)
  })
  try {
    return await Promise.race([stopped, work(answered)])
  } finally {
    clearTimeout(timer)
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort)
    core.onFailure = null
    core.inbound.onPong = null
  }
}

function silent(core: GroupCore, waiting: ReadonlyMap<Peer, unknown[]>, timeoutMs: number): RondoError {
  const missing = core.peers.filter((peer) => (waiting.get(peer)?.length ?? 0) > 0)
  const first = missing[0]
  return new RondoError(
    'TIMEOUT',
    `Rank ${core.rank} measured its links for ${timeoutMs} ms and still waits for ${missing.map((peer) => peer.title).join(', ')}. ` +
      `Every rank must create its process group in this time. Look at those ranks, or raise the time-out.`,
    {
      ...(first === undefined ? {} : { rank: first.rank, node: first.label }),
      details: { missing: missing.map((peer) => peer.rank) },
    },
  )
}

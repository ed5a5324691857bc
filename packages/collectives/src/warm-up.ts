/**
 * What happens before the first operation: every link is probed, the ring's links are brought up to speed
 * (SCTP starts slowly) and measured, and all ranks agree on the numbers that algorithms are chosen by.
 */
import { RondoError } from '@rondo/protocol'
import { Exchange } from './algorithms/exchange.ts'
import { bad } from './arguments.ts'
import type { CostModel, LinkCost } from './cost-model.ts'
import { bytesOf } from './dtype.ts'
import type { GroupCore } from './group/core.ts'
import type { Peer } from './group/peer.ts'
import { LINK_CLASSES, type LinkClass } from './topology.ts'

/** Probes of each link, one after the other; the fastest counts. */
const PROBES = 3
/** Probes sent to the next rank in one go: what small messages cost besides their latency. */
const GAP_PROBES = 16
/** Rounds in which every rank probes all others at once: what messages cost when ranks share cores. */
const CROWDED_ROUNDS = 4
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
  const { rank, worldSize, topology } = core
  const latencies = new Map<LinkClass, number>()
  await Promise.all(
    core.peers.map(async (peer) => {
      let fastest = Number.POSITIVE_INFINITY
      for (let i = 0; i < PROBES; i++) fastest = Math.min(fastest, (await echo(core, peer, answered, 1)).first)
      const of = topology.classOf(rank, peer.rank)
      const latencyMs = Math.max(MIN_LATENCY_MS, fastest / 2)
      latencies.set(of, settled(of, [latencies.get(of) ?? latencyMs, latencyMs]))
    }),
  )
  const crowdedMs = await crowded(core, answered)
  // Every class of links occurs between neighbours of the ring, so each is measured by somebody.
  const next = core.peer(topology.order[(topology.position[rank]! + 1) % worldSize]!)
  const { first, last } = await echo(core, next, answered, GAP_PROBES)
  const messages = Math.ceil((next.link.carrier === 'relay' ? RELAY_BURST_BYTES : BURST_BYTES) / core.messageBytes)
  const burst = await echo(core, next, answered, messages, core.messageBytes)
  // Everything crossed the link twice, there and back.
  const bytes = 2 * messages * core.messageBytes
  const bytesPerSecond = Math.min(MAX_RATE, (1000 * bytes) / Math.max(burst.last, MIN_LATENCY_MS))
  next.measuredThroughput(bytesPerSecond)
  const classes: Partial<Record<LinkClass, LinkCost>> = {}
  for (const [of, latencyMs] of latencies) classes[of] = { latencyMs, bytesPerSecond: MAX_RATE }
  const of = topology.classOf(rank, next.rank)
  const latencyMs = latencies.get(of)!
  classes[of] = { latencyMs, bytesPerSecond, gapMs: (last - first) / (2 * (GAP_PROBES - 1)) }
  const farthest = LINK_CLASSES.findLast((one) => latencies.has(one))!
  const far = core.peers.filter((peer) => topology.classOf(rank, peer.rank) === farthest).length
  const cost = classes[farthest]!
  // Those who share our far links send just as much over them at the same time.
  const gapMs = Math.max(cost.gapMs ?? 0, (crowdedMs / 2 - cost.latencyMs) / (far * (worldSize - far)))
  classes[farthest] = { ...cost, gapMs }
  return { latencyMs: Math.max(...latencies.values()), bytesPerSecond, classes }
}

/**
 * The latency of a class, from those of its links: of different ways through a network the longest counts. Inside one
 * machine all ways are alike, and what some took longer is other ranks' probes on the same cores: that is in the gap.
 */
function settled(of: LinkClass, latencies: readonly number[]): number {
  return of === 'network' ? Math.max(...latencies) : Math.min(...latencies)
}

/** Milliseconds until probes to all others at once have come back, while they do the same; the median of some rounds. */
async function crowded(core: GroupCore, answered: Answered): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < CROWDED_ROUNDS; i++) {
    const echoes = await Promise.all(core.peers.map((peer) => echo(core, peer, answered, 1)))
    times.push(Math.max(...echoes.map(({ last }) => last)))
  }
  return times.sort((a, b) => a - b)[CROWDED_ROUNDS >> 1]!
}

/** Sends `count` probes to a peer in one go. Milliseconds until the first and the last came back. */
async function echo(
  core: GroupCore,
  peer: Peer,
  answered: Answered,
  count: number,
  payloadBytes?: number,
): Promise<{ first: number; last: number }> {
  const start = performance.now()
  const pongs: Array<Promise<number>> = []
  for (let i = 0; i < count; i++) {
    core.ping(peer, payloadBytes)
    pongs.push(answered(peer).then(() => performance.now() - start))
  }
  const times = await Promise.all(pongs)
  return { first: times[0]!, last: times.at(-1)! }
}

/** Numbers of one class of links as they travel; NaN for what a rank did not measure. */
const COST_FIELDS = ['latencyMs', 'bytesPerSecond', 'gapMs'] as const

/**
 * Everyone sends its numbers to everyone and takes the worst of each: a ring is as slow as its slowest link.
 * Throws BAD_ARGUMENT when the ranks were told different places, for they would run different algorithms.
 */
async function agree(
  core: GroupCore,
  own: CostModel,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<CostModel> {
  const costs = [own, ...LINK_CLASSES.map((of) => own.classes?.[of])]
  const numbers = costs.flatMap((cost) => COST_FIELDS.map((field) => cost?.[field] ?? Number.NaN))
  const mine = Float64Array.of(core.messageBytes, core.topology.hash, ...numbers)
  const theirs = core.peers.map((peer) => ({ peer, values: new Float64Array(mine.length) }))
  const exchange = new Exchange(
    new Map(core.peers.map((peer) => [peer.rank, bytesOf(mine)])),
    new Map(theirs.map(({ peer, values }) => [peer.rank, bytesOf(values)])),
  )
  const what = { op: 'agree', name: 'cost model', dtype: 'float64', count: mine.length }
  await core.submit({ what, bytes: mine.byteLength, algorithm: exchange, signal, timeoutMs })
  const all = [mine, ...theirs.map(({ values }) => values)]
  const other = theirs.find(({ values }) => values[1] !== mine[1])
  if (other !== undefined) {
    throw bad(
      'createProcessGroup',
      `places on rank ${core.rank} that differ from those on rank ${other.peer.rank}`,
      'the same places on all ranks, by rank',
      'Pass the seats of the run, as the server sent them.',
    )
  }
  core.useMessageBytes(Math.min(...all.map((values) => values[0]!)))
  const worst = (index: number, of?: LinkClass): LinkCost | undefined => {
    const [latencyMs, rates, gaps] = COST_FIELDS.map((_, field) =>
      all.map((values) => values[2 + COST_FIELDS.length * index + field]!).filter((value) => !Number.isNaN(value)),
    ) as [number[], number[], number[]]
    if (latencyMs.length === 0) return undefined
    const gap = gaps.length === 0 ? {} : { gapMs: Math.max(...gaps) }
    return { latencyMs: settled(of ?? 'network', latencyMs), bytesPerSecond: Math.min(...rates), ...gap }
  }
  const classes: Partial<Record<LinkClass, LinkCost>> = {}
  LINK_CLASSES.forEach((of, i) => {
    const cost = worst(i + 1, of)
    if (cost !== undefined) classes[of] = cost
  })
  return { ...worst(0)!, classes }
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

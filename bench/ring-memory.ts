/**
 * What the ring itself costs: all ranks in one thread over links that only pass references, so that nearly
 * all the time is ours. Counts this process's CPU time, which other programs on the machine do not change much.
 * `npx tsx bench/ring-memory.ts`. Not for: throughput of real carriers (allreduce.ts).
 */
import { createProcessGroup, type NumericArray, type ProcessGroup } from '@rondo/collectives'
import type { Link, LinkEnd } from '@rondo/transport'

type Frame = Uint8Array<ArrayBuffer>
const MIB = 1_048_576
const MESSAGE_BYTES = 65_536
const HEADER_BYTES = 24
const SECONDS_PER_CASE = 1.5

/** Hands a frame over in a microtask and copies nothing. */
class ReferenceLink implements Link {
  readonly carrier = 'memory'
  readonly maxFrameBytes = MESSAGE_BYTES + HEADER_BYTES
  closed = false
  readonly stats = { bytesSent: 0, bytesReceived: 0, framesSent: 0, framesReceived: 0, waitedMs: 0 }
  onFrame: ((frame: Frame) => void) | null = null
  onEnd: ((end: LinkEnd) => void) | null = null
  twin!: ReferenceLink
  #queue: Frame[] = []
  readonly peer: number

  constructor(peer: number) {
    this.peer = peer
  }

  send(frame: Frame, options?: { transfer?: boolean }): undefined {
    this.stats.framesSent++
    if (this.#queue.push(options?.transfer ? frame : frame.slice()) === 1) queueMicrotask(() => this.#deliver())
  }

  #deliver(): void {
    const frames = this.#queue
    this.#queue = []
    for (const frame of frames) this.twin.onFrame?.(frame)
  }

  close(): void {
    this.closed = true
  }
}

async function world(ranks: number): Promise<{ groups: ProcessGroup[]; links: ReferenceLink[] }> {
  const mesh = Array.from({ length: ranks }, () => new Map<number, ReferenceLink>())
  for (let a = 0; a < ranks; a++) {
    for (let b = a + 1; b < ranks; b++) {
      const left = new ReferenceLink(b)
      const right = new ReferenceLink(a)
      left.twin = right
      right.twin = left
      mesh[a]?.set(b, left)
      mesh[b]?.set(a, right)
    }
  }
  const nodeLabels = mesh.map((_, rank) => `node ${rank}`)
  const groups = await Promise.all(
    mesh.map((links, rank) => createProcessGroup({ rank, worldSize: ranks, generation: 1, links, nodeLabels })),
  )
  return { groups, links: mesh.flatMap((links) => [...links.values()]) }
}

interface Case {
  ranks: number
  bytes: number
  algorithm: 'ring' | 'direct'
  codec?: 'f16' | 'bf16' | 'int8'
}

async function measure({ ranks, bytes, algorithm, codec }: Case): Promise<string> {
  const { groups, links } = await world(ranks)
  const inputs: NumericArray[] = groups.map((_, rank) => new Float32Array(bytes / 4).fill(rank + 0.5))
  const outputs = inputs.map((x) => x.slice())
  const once = (): Promise<unknown> =>
    Promise.all(
      groups.map((group, rank) =>
        group.allReduce(inputs[rank]!, { algorithm, into: outputs[rank]!, ...(codec === undefined ? {} : { codec }) }),
      ),
    )
  for (let i = 0; i < 20; i++) await once()
  const frames = (): number => links.reduce((sum, link) => sum + link.stats.framesSent, 0)
  const payload = (): number => groups.reduce((sum, group) => sum + group.payloadBytesSent, 0)
  const [frames0, payload0] = [frames(), payload()]
  const cpuMs = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1000
  const start = performance.now()
  const cpuStart = cpuMs()
  let rounds = 0
  while (performance.now() - start < 1000 * SECONDS_PER_CASE || rounds < 3) {
    await once()
    rounds++
  }
  const ms = cpuMs() - cpuStart
  const messages = frames() - frames0
  const sent = payload() - payload0
  await Promise.all(groups.map((group) => group.close()))
  const columns = [
    `${algorithm}${codec === undefined ? '' : ` ${codec}`}`.padEnd(12),
    `${ranks} ranks`.padEnd(8),
    (bytes >= MIB ? `${bytes / MIB} MiB` : `${bytes} B`).padStart(8),
    `${(ms / rounds).toFixed(3)} ms/op`.padStart(14),
    `${((1e6 * ms) / (bytes * rounds * ranks)).toFixed(2)} ns/byte/rank`.padStart(18),
    `${((1e3 * ms) / messages).toFixed(1)} µs/message`.padStart(16),
    `${(sent / ms / 1e3).toFixed(0)} MB of messages per CPU second`.padStart(36),
  ]
  return columns.join('  ')
}

const CASES: Case[] = [
  { ranks: 2, bytes: 4, algorithm: 'direct' },
  { ranks: 4, bytes: 4, algorithm: 'direct' },
  { ranks: 4, bytes: 4096, algorithm: 'direct' },
  { ranks: 4, bytes: 4096, algorithm: 'ring' },
  { ranks: 2, bytes: MIB, algorithm: 'ring' },
  { ranks: 2, bytes: 16 * MIB, algorithm: 'ring' },
  { ranks: 4, bytes: 16 * MIB, algorithm: 'ring' },
  { ranks: 8, bytes: 16 * MIB, algorithm: 'ring' },
  { ranks: 2, bytes: 16 * MIB, algorithm: 'ring', codec: 'f16' },
  { ranks: 2, bytes: 16 * MIB, algorithm: 'ring', codec: 'bf16' },
  { ranks: 2, bytes: 16 * MIB, algorithm: 'ring', codec: 'int8' },
]
for (const one of CASES) console.log(await measure(one))

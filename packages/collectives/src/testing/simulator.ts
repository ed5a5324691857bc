/**
 * All ranks of one all-reduce on a simulated network: the real algorithms move real values, and a virtual clock says
 * when. A rank has one port for near links; the ranks of a machine share one network port; each port sends one message
 * at a time, in turn to all who wait, and takes one at a time. Deterministic: nothing waits, no timer runs. Not for:
 * back-pressure, failures, or what computing costs.
 */
import { FRAME_HEADER_BYTES, invariant } from '@rondo/protocol'
import type { Algorithm, Frame, MessageSource, Wire } from '../algorithm.ts'
import { directAllReduce } from '../algorithms/small.ts'
import { allReduceAlgorithm } from '../all-reduce.ts'
import type { AllReduceChoice } from '../all-reduce-choice.ts'
import type { LinkCost } from '../cost-model.ts'
import { dtypeOf } from '../dtype.ts'
import { reduction } from '../reduce.ts'
import type { LinkClass, Topology } from '../topology.ts'
import { EventQueue } from './event-queue.ts'

export interface SimulatedNetwork {
  readonly topology: Topology
  readonly classes: Readonly<Record<LinkClass, LinkCost>>
  /** Largest payload of a message, a multiple of 8. */
  readonly messageBytes: number
}

export interface Simulated {
  /** Milliseconds until the last rank has its result. */
  readonly ms: number
  /** Bytes that left each rank, and those of them that went between machines. */
  readonly sent: readonly number[]
  readonly networkBytes: number
}

interface Message {
  readonly from: number
  readonly to: number
  make(): Frame
}

/** Sends one message at a time, taking links that have some in turn. */
class OutPort {
  readonly queues = new Map<number, Message[]>()
  busy = false

  add(message: Message): void {
    const link = message.from * 65_536 + message.to
    const queue = this.queues.get(link)
    if (queue === undefined) this.queues.set(link, [message])
    else queue.push(message)
  }

  next(): Message | undefined {
    for (const [link, queue] of this.queues) {
      const message = queue.shift()
      this.queues.delete(link)
      if (queue.length > 0) this.queues.set(link, queue)
      return message
    }
    return undefined
  }
}

/** Runs a sum of `elements` float32 values per rank. Throws if any rank's result is wrong or never comes. */
export function simulateAllReduce(choice: AllReduceChoice, elements: number, network: SimulatedNetwork): Simulated {
  return new Simulation(network).run(choice, elements)
}

class Simulation {
  readonly #network: SimulatedNetwork
  readonly #events = new EventQueue()
  readonly #machineOf: readonly number[]
  readonly #out = new Map<string, OutPort>()
  /** When each port is free to take the next message. */
  readonly #freeAt = new Map<string, number>()
  readonly #sent: number[]
  #algorithms: Algorithm[] = []
  #networkBytes = 0

  constructor(network: SimulatedNetwork) {
    this.#network = network
    const { topology } = network
    this.#sent = new Array(topology.worldSize).fill(0)
    const machineOf = new Array<number>(topology.worldSize).fill(0)
    topology.groups('machine').forEach((ranks, machine) => {
      for (const rank of ranks) machineOf[rank] = machine
    })
    this.#machineOf = machineOf
  }

  run(choice: AllReduceChoice, elements: number): Simulated {
    const { topology } = this.#network
    const ranks = topology.worldSize
    const outputs: Float32Array[] = []
    const finishes: Array<() => void> = []
    for (let rank = 0; rank < ranks; rank++) {
      const input = new Float32Array(elements).fill(rank + 1)
      const output = new Float32Array(elements)
      const dtype = dtypeOf(input, 'simulation')
      const how = reduction('sum', dtype, 'simulation')
      outputs.push(output)
      const { algorithm } = choice
      if (algorithm === 'direct') {
        const direct = directAllReduce({ rank, worldSize: ranks }, input, output, dtype, undefined, how)
        this.#algorithms.push(direct.exchange)
        finishes.push(direct.finish)
      } else {
        const plan = { dtype, input, output, combine: how.combine, divisor: 1 }
        this.#algorithms.push(allReduceAlgorithm({ ...choice, algorithm }, plan, topology))
      }
    }
    this.#algorithms.forEach((algorithm, rank) => {
      algorithm.start(this.#wire(rank))
    })
    const ms = this.#events.run()
    for (const finish of finishes) finish()
    this.#algorithms.forEach((algorithm, rank) => {
      invariant(algorithm.done, `rank ${rank} of a simulated ${choice.algorithm} waits for ${algorithm.waitingFor()}`)
    })
    const sum = (ranks * (ranks + 1)) / 2
    invariant(
      outputs.every((output) => output.every((value) => value === sum)),
      `a simulated ${choice.algorithm} among ${ranks} ranks gave a wrong sum`,
    )
    return { ms, sent: this.#sent, networkBytes: this.#networkBytes }
  }

  #wire(rank: number): Wire {
    const { topology, messageBytes } = this.#network
    const send = (to: number, make: () => Frame): void => this.#send({ from: rank, to, make })
    return {
      rank,
      worldSize: topology.worldSize,
      messageBytes,
      post: (to, frame) => send(to, () => frame),
      stream(to, source) {
        for (let i = 0; i < source.count; i++) send(to, () => filled(source, i))
      },
      recycle() {},
    }
  }

  #send(message: Message): void {
    const key = this.#port(message.from, message)
    const port = this.#out.get(key) ?? new OutPort()
    this.#out.set(key, port)
    port.add(message)
    // Later in the same instant, so that all that a rank sends at once takes its turns.
    if (!port.busy) this.#events.at(this.#events.now, () => this.#transmit(port))
  }

  #transmit(port: OutPort): void {
    if (port.busy) return
    const message = port.next()
    if (message === undefined) return
    port.busy = true
    const { topology, classes } = this.#network
    const of = topology.classOf(message.from, message.to)
    const { latencyMs, bytesPerSecond, gapMs = 0 } = classes[of]
    const frame = message.make()
    const bytes = frame.byteLength - FRAME_HEADER_BYTES
    const busyMs = gapMs + (1000 * bytes) / bytesPerSecond
    this.#sent[message.from]! += bytes
    if (of === 'network') this.#networkBytes += bytes
    this.#events.at(this.#events.now + busyMs, () => {
      port.busy = false
      this.#transmit(port)
    })
    this.#events.at(this.#events.now + latencyMs, () => this.#arrive(message, frame, busyMs))
  }

  /** The message's first byte is here; its last one comes when the port had time for all before it. */
  #arrive({ from, to }: Message, frame: Frame, busyMs: number): void {
    const key = this.#port(to, { from, to })
    const done = Math.max(this.#events.now, this.#freeAt.get(key) ?? 0) + busyMs
    this.#freeAt.set(key, done)
    this.#events.at(done, () => {
      const wrong = this.#algorithms[to]!.onMessage(from, frame)
      invariant(wrong === undefined, `rank ${to} refused a message of rank ${from}: ${wrong}`)
    })
  }

  /** What a message occupies at one of its ends: the machine's network port, or the rank's own. */
  #port(end: number, { from, to }: { from: number; to: number }): string {
    const far = this.#network.topology.classOf(from, to) === 'network'
    return far ? `machine ${this.#machineOf[end]}` : `rank ${end}`
  }
}

function filled(source: MessageSource, i: number): Frame {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + source.bytes(i))
  source.fill(i, frame.subarray(FRAME_HEADER_BYTES))
  return frame
}

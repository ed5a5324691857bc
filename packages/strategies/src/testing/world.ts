/** Ranks of a strategy in one thread over links in memory, and a small model with shapes of every kind. For tests only. */
import { createProcessGroup, type ProcessGroup, singleProcessGroup } from '@rondo/collectives'
import { type Optimizer, Random, selectAccelerator, sgd, tf, weightsHash } from '@rondo/engine'
import { memoryMesh } from '@rondo/transport'
import type { Replica, Strategy, StrategyContext } from '../strategy.ts'

export interface TestRank extends StrategyContext {
  rank: number
  group: ProcessGroup
}

/** Runs `program` on every rank at once; rejects as the first failing rank does. */
export async function runRanks<T>(
  worldSize: number,
  program: (rank: TestRank) => Promise<T>,
  nodeOf: (rank: number) => number = () => 0,
): Promise<T[]> {
  await selectAccelerator('cpu', { localRanks: 1 })
  const { links } = memoryMesh(worldSize)
  const nodeLabels = links.map((_, rank) => `node ${nodeOf(rank)}`)
  const ranks = Array.from({ length: worldSize }, (_, rank) => rank)
  const groups = await Promise.all(
    ranks.map((rank) =>
      worldSize === 1
        ? singleProcessGroup()
        : createProcessGroup({ rank, worldSize, generation: 1, links: links[rank]!, nodeLabels, timeoutMs: 10_000 }),
    ),
  )
  return Promise.all(
    groups.map(async (group, rank) => {
      const nodeRanks = ranks.filter((other) => nodeOf(other) === nodeOf(rank))
      try {
        return await program({ rank, group, signal: new AbortController().signal, nodeRanks })
      } catch (error) {
        group.abort(error as Error)
        throw error
      }
    }),
  )
}

/** A two-layer net on 6 inputs and 4 outputs, with a convolution-shaped tensor and a parameter that nothing uses. */
export class TestNet {
  readonly #variables: Record<string, tf.Variable>

  constructor(seed = 1, withUnused = false) {
    const random = new Random(seed)
    const make = (shape: number[], scale: number): tf.Variable => {
      const size = shape.reduce((product, extent) => product * extent, 1)
      return tf.variable(
        tf.tensor(
          Float32Array.from({ length: size }, () => scale * random.normal()),
          shape,
        ),
      )
    }
    this.#variables = {
      kernel: make([2, 3, 16], 0.4),
      bias: make([16], 0.1),
      out: make([16, 4], 0.3),
      outBias: make([4], 0),
      ...(withUnused ? { unused: make([5], 1) } : {}),
    }
  }

  forward(x: tf.Tensor): tf.Tensor {
    const { kernel, bias, out, outBias } = this.#variables
    const hidden = tf.tanh(tf.add(tf.matMul(x as tf.Tensor2D, tf.reshape(kernel!, [6, 16]) as tf.Tensor2D), bias!))
    return tf.add(tf.matMul(hidden as tf.Tensor2D, out as unknown as tf.Tensor2D), outBias!)
  }

  parameters(): Record<string, tf.Variable> {
    return this.#variables
  }

  async values(): Promise<number[]> {
    const all = await Promise.all(Object.values(this.#variables).map((variable) => variable.data()))
    return all.flatMap((values) => [...values])
  }

  hash(): Promise<string> {
    return weightsHash(Object.entries(this.#variables).map(([name, variable]) => ({ name, variable, trainable: true })))
  }
}

/** Batch `step` of `rank`: `samples` inputs, and what a fixed other net makes of them. */
function batch(rank: number, step: number, samples: number): { x: tf.Tensor2D; y: tf.Tensor } {
  const random = new Random(1000 * (rank + 1) + step)
  const x = tf.tensor2d(
    Float32Array.from({ length: samples * 6 }, () => random.normal()),
    [samples, 6],
  )
  const teacher = new TestNet(99)
  const y = tf.tidy(() => teacher.forward(x))
  tf.dispose(Object.values(teacher.parameters()))
  return { x, y }
}

export interface Trained {
  rank: number
  replica: Replica
  net: TestNet
  /** The weights' hash after each step. */
  hashes: string[]
  losses: number[]
  /** Payload that this rank sent from the first step on. */
  bytes: number
}

export interface TrainOptions {
  steps?: number
  learningRate?: number
  /** Instead of SGD with `learningRate`. */
  optimizer?: () => Optimizer
  withUnused?: boolean
  /** Samples of a rank's batch; uneven by default. */
  samples?: (rank: number, step: number) => number
  /** Backward calls a step; all but the last are not synchronised. */
  microBatches?: number
}

/** Trains the net on one rank of `strategy`. */
export async function train(context: TestRank, strategy: Strategy, options: TrainOptions = {}): Promise<Trained> {
  const { rank, group } = context
  const { steps = 6, learningRate = 0.1, withUnused = false, microBatches = 1 } = options
  const { samples = (r, step) => 2 + ((r + step) % 3) } = options
  const net = new TestNet(7 + rank, withUnused)
  const replica = await strategy.setupModel(net as never, context)
  const optimizer = options.optimizer?.() ?? sgd({ learningRate })
  const before = group.payloadBytesSent
  const hashes: string[] = []
  const losses: number[] = []
  for (let step = 0; step < steps; step++) {
    replica.zeroGrad()
    for (let part = 0; part < microBatches; part++) {
      const count = samples(rank, step)
      const { x, y } = batch(rank, step * microBatches + part, count)
      const lossFn = (): tf.Scalar => tf.losses.meanSquaredError(y, net.forward(x)) as tf.Scalar
      losses.push(await replica.backward(lossFn, count, part === microBatches - 1))
      tf.dispose([x, y])
    }
    await replica.step(optimizer)
    hashes.push(await net.hash())
  }
  return { rank, replica, net, hashes, losses, bytes: group.payloadBytesSent - before }
}

/** Mean of the last losses of all ranks. */
export function finalLoss(ranks: readonly Trained[], last = 10): number {
  const losses = ranks.flatMap((trained) => trained.losses.slice(-last))
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length
}

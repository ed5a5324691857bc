/**
 * Watches every kernel of a forward and its way back, and tells the first one whose result is not
 * finite, with the place in the model that it belongs to. For looking for an error: all results are kept until they
 * are checked. Not for: what to do about it (trainer).
 */
import { tf } from '../tfjs.ts'

export interface Finding {
  /** tfjs's name of the operation: `Log`, `RealDiv`. */
  kernel: string
  phase: 'forward' | 'backward'
  /** What `within` was told; empty outside of it. */
  place: string
  shape: number[]
  /** How many values are NaN, and how many infinite. */
  nan: number
  infinite: number
}

interface Kept {
  kernel: string
  phase: Finding['phase']
  place: string
  output: tf.Tensor
}

interface TapeNode {
  kernelName: string
  gradient?: (dys: unknown) => Record<string, () => tf.Tensor>
}

interface WatchedEngine {
  state: { activeTape: TapeNode[] | null }
  runKernelFunc(params: { kernelName?: string }): tf.Tensor | tf.Tensor[]
  addTapeNode(...args: unknown[]): void
  makeTensorFromTensorInfo(info: tf.TensorInfo): tf.Tensor
  backend: { incRef(dataId: object): void }
}

/** Results that are checked together. */
const CHECK_TOGETHER = 256

export class KernelWatch {
  private readonly kept: Kept[] = []
  private place = ''
  private phase: Finding['phase'] = 'forward'
  private readonly known = new WeakSet<TapeNode>()
  /** The operation that backward goes back over. */
  private undoing = ''

  /** Runs a forward, watching it and, whenever it comes, its way back. */
  during<T>(fn: () => T): T {
    // Only while our own synchronous code runs: ranks that share a thread must not see each other.
    const engine = tf.engine() as unknown as WatchedEngine
    const { runKernelFunc, addTapeNode } = engine
    engine.runKernelFunc = (params) => {
      const result = runKernelFunc.call(engine, params)
      for (const output of Array.isArray(result) ? result : [result]) this.keep(engine, params.kernelName ?? '', output)
      return result
    }
    engine.addTapeNode = (...args) => {
      addTapeNode.apply(engine, args)
      const node = engine.state.activeTape?.at(-1)
      if (node?.gradient && !this.known.has(node)) this.watchGradient(node)
    }
    try {
      return fn()
    } finally {
      Object.assign(engine, { runKernelFunc, addTapeNode })
    }
  }

  /** Everything in `fn`, and its way back, belongs to `place`. */
  within<T>(place: string, fn: () => T): T {
    const before = this.place
    this.place = place
    try {
      return fn()
    } finally {
      this.place = before
    }
  }

  /** The first result that is not finite, or null; forgets all. */
  async first(): Promise<Finding | null> {
    const kept = this.kept.splice(0)
    try {
      for (let at = 0; at < kept.length; at += CHECK_TOGETHER) {
        const some = kept.slice(at, at + CHECK_TOGETHER)
        // 0 · x is 0 for every finite x, and NaN otherwise.
        const flags = tf.tidy(() => tf.stack(some.map(({ output }) => tf.sum(tf.mul(output, 0)))))
        const values = await flags.data()
        flags.dispose()
        const found = some.find((_, i) => Number.isNaN(values[i]))
        if (found) return await describe(found)
      }
      return null
    } finally {
      tf.dispose(kept.map(({ output }) => output))
    }
  }

  private keep(engine: WatchedEngine, kernel: string, output: tf.Tensor): void {
    if (!(output instanceof tf.Tensor) || output.dtype !== 'float32' || output.size === 0) return
    const { dataId, shape, dtype } = output
    // As tfjs's Identity does, without a kernel and without a place on the tape.
    engine.backend.incRef(dataId)
    const copy = tf.keep(engine.makeTensorFromTensorInfo({ dataId, shape, dtype }))
    this.kept.push({
      kernel: kernel || this.undoing || 'a custom gradient',
      phase: this.phase,
      place: this.place,
      output: copy,
    })
  }

  private watchGradient(node: TapeNode): void {
    this.known.add(node)
    const { kernelName, gradient } = node
    const { place } = this
    const undo = <T>(fn: () => T): T => {
      const { phase, undoing } = this
      this.phase = 'backward'
      this.undoing = kernelName
      try {
        return this.during(() => this.within(place, fn))
      } finally {
        this.phase = phase
        this.undoing = undoing
      }
    }
    node.gradient = (dys) => {
      const made = undo(() => (gradient as NonNullable<TapeNode['gradient']>)(dys))
      return Object.fromEntries(Object.entries(made).map(([name, make]) => [name, () => undo(make)]))
    }
  }
}

async function describe({ kernel, phase, place, output }: Kept): Promise<Finding> {
  const values = await output.data()
  let [nan, infinite] = [0, 0]
  for (const value of values) {
    if (Number.isNaN(value)) nan += 1
    else if (!Number.isFinite(value)) infinite += 1
  }
  return { kernel, phase, place, shape: [...output.shape], nan, infinite }
}

/**
 * Forward at once, then backward over tfjs's tape one operation at a time: each parameter's gradient is there as soon
 * as the last operation that uses the parameter is behind, so it can travel while earlier layers are still to come.
 * The same operations in the same order as tfjs's own backward (tfjs-core/src/tape.ts), so the same bits; tensors are
 * freed as soon as they are used up. Not for: deciding when to stop between two operations (strategies). Delete when
 * tfjs hands out gradients one by one. `computeGradients` is the plain form.
 */
import { RondoError } from '@rondo/protocol'
import type { Parameter } from '../model/parameters.ts'
import { tf } from '../tfjs.ts'
import { acrossRanks } from './across-ranks.ts'
import { type GradientOptions, readScalar, scalarLoss, trainableOf, unusedParameters } from './compute.ts'
import { connectingNodes, type Recorded, recordTape, type TapeNode } from './tape.ts'

/** A finished gradient: position among the trainable parameters, and a tensor that is the receiver's. */
export type ReadyGradient = [index: number, gradient: tf.Tensor]

export class SteppedBackward {
  /** The loss, read back without stalling the device. Rejects if the device is lost. */
  readonly loss: Promise<number>
  /** Positions of parameters that the loss does not use; their gradients are zeros and come first. */
  readonly unused: readonly number[]
  /** Operations still to go back over, the next one last. */
  private readonly tape: TapeNode[]
  /** d loss / d tensor so far, by tensor id. */
  private readonly gradients = new Map<number, tf.Tensor>()
  /** Of each parameter by tensor id: its position and how many times operations to come still use it. */
  private readonly open = new Map<number, { index: number; uses: number }>()
  private ready: ReadyGradient[] = []

  /**
   * Runs `lossFn` forward. Options and errors are those of `computeGradients`, and UNSUPPORTED naming an operation
   * that has no gradient; nothing is left behind when it throws. What was recorded already goes in the place of `lossFn`.
   */
  constructor(lossFn: (() => unknown) | Recorded, parameters: readonly Parameter[], options: GradientOptions = {}) {
    const trainable = trainableOf(parameters)
    const variables = trainable.map(({ variable }) => variable)
    const { value, tape } = typeof lossFn === 'function' ? recordTape(() => scalarLoss(lossFn())) : lossFn
    const { connecting, others } = connectingNodes(tape, variables, value)
    this.tape = connecting
    for (const node of others) tf.dispose(node.saved)
    const uses = new Map<number, number>([[value.id, 1]])
    for (const { inputs } of connecting) {
      for (const { id } of Object.values(inputs)) uses.set(id, (uses.get(id) ?? 0) + 1)
    }
    this.unused = variables.flatMap(({ id }, index) => (uses.has(id) ? [] : [index]))
    const blind = connecting.find((node) => node.gradient == null)
    if (blind || (this.unused.length > 0 && !options.findUnused)) {
      this.dispose()
      value.dispose()
      throw blind ? noGradient(blind) : unusedParameters(this.unused.map((index) => trainable[index]?.name ?? ''))
    }
    variables.forEach((variable, index) => {
      const { id } = variable
      if (uses.has(id)) this.open.set(id, { index, uses: uses.get(id) as number })
      else this.ready.push([index, tf.zerosLike(variable)])
    })
    this.gradients.set(value.id, tf.ones(value.shape))
    this.settle(value.id)
    this.loss = readScalar(value)
  }

  /** True when every gradient was handed out. */
  get done(): boolean {
    return this.tape.length === 0 && this.ready.length === 0
  }

  /** The operation that `next` goes back over: its outputs, their gradients so far, and what it saved; all stay here. */
  upcoming(): { outputs: readonly tf.Tensor[]; gradients: Array<tf.Tensor | null>; saved: tf.Tensor[] } | null {
    const node = this.tape.at(-1)
    if (node === undefined) return null
    return {
      outputs: node.outputs,
      gradients: node.outputs.map(({ id }) => this.gradients.get(id) ?? null),
      saved: node.saved,
    }
  }

  /** Goes back over one operation and returns the gradients that are finished by it: often none. */
  next(): ReadyGradient[] {
    const node = this.tape.pop()
    if (node) {
      try {
        this.differentiate(node)
      } finally {
        tf.dispose(node.saved)
      }
    }
    const ready = this.ready
    this.ready = []
    return ready
  }

  /** The same, where the operation may be one whose gradient comes from other ranks (across-ranks.ts). */
  async nextAcross(): Promise<ReadyGradient[]> {
    const node = this.tape.at(-1)
    const [output] = node?.outputs ?? []
    const back = output === undefined ? undefined : acrossRanks.get(output)
    const dy = output === undefined ? undefined : this.gradients.get(output.id)
    if (node === undefined || back === undefined || dy === undefined) return this.next()
    this.tape.pop()
    const dx = await back(dy)
    for (const { id } of Object.values(node.inputs)) this.add(id, dx)
    for (const { id } of node.outputs) this.free(id)
    const ready = this.ready
    this.ready = []
    return ready
  }

  /** Frees everything that was not handed out. */
  dispose(): void {
    for (const { saved } of this.tape.splice(0)) tf.dispose(saved)
    tf.dispose([...this.gradients.values()])
    this.gradients.clear()
    tf.dispose(this.ready.splice(0).map(([, gradient]) => gradient))
  }

  private differentiate(node: TapeNode): void {
    const dys = node.outputs.map(({ id }) => this.gradients.get(id) ?? null)
    const inputs = Object.entries(node.inputs)
    const dxs = tf.tidy(() => {
      const made = (node.gradient as NonNullable<TapeNode['gradient']>)(dys)
      const taken = new Set<tf.Tensor>()
      return inputs.map(([name, input]) => {
        const make = made[name]
        if (make === undefined) throw wrongGradient(node, name, `is missing; there are ${Object.keys(made).join(', ')}`)
        const dx = tf.tidy(make)
        const same = dx.shape.length === input.shape.length && dx.shape.every((extent, i) => extent === input.shape[i])
        if (dx.dtype !== 'float32' || !same) throw wrongGradient(node, name, `is ${dx.dtype} [${dx.shape.join(', ')}]`)
        // A gradient function may hand on what it was given, or one tensor twice: each entry must be its own to free.
        const own = bornHere(dx) && !taken.has(dx) ? dx : dx.clone()
        taken.add(own)
        return own
      })
    })
    inputs.forEach(([, { id }], i) => {
      this.add(id, dxs[i] as tf.Tensor)
    })
    for (const { id } of node.outputs) this.free(id)
  }

  /** One more part of d loss / d tensor `id`, which is ours from now on. */
  private add(id: number, dx: tf.Tensor): void {
    const before = this.gradients.get(id)
    this.gradients.set(id, before ? tf.add(before, dx) : dx)
    if (before) tf.dispose([before, dx])
    this.settle(id)
  }

  /** Counts one use of a parameter as done; after the last one its gradient is finished. */
  private settle(id: number): void {
    const entry = this.open.get(id)
    if (!entry || --entry.uses > 0) return
    this.ready.push([entry.index, this.gradients.get(id) as tf.Tensor])
    this.gradients.delete(id)
    this.open.delete(id)
  }

  private free(id: number): void {
    this.gradients.get(id)?.dispose()
    this.gradients.delete(id)
  }
}

/** Whether the scope that is open now will free `tensor`: it was made in it, and by nobody kept. */
function bornHere(tensor: tf.Tensor): boolean {
  const { activeScope } = (tf.engine() as unknown as { state: { activeScope: { id: number } | null } }).state
  return !tensor.kept && tensor.scopeId === activeScope?.id
}

function noGradient({ kernelName }: TapeNode): RondoError {
  return new RondoError(
    'UNSUPPORTED',
    `backward(lossFn): TensorFlow.js has no gradient for ${kernelName || 'one of the operations'}. Every operation between a trainable ` +
      'parameter and the loss needs one. Use other operations, or wrap this one with tf.customGrad.',
  )
}

function wrongGradient({ kernelName, inputs }: TapeNode, name: string, got: string): RondoError {
  const wanted = inputs[name]?.shape.join(', ') ?? ''
  return new RondoError(
    'BAD_ARGUMENT',
    `backward(lossFn): the gradient of ${kernelName || 'an operation'} for its input ${name} ${got}. ` +
      `It must be float32 [${wanted}], the shape of the input. Correct the gradFunc of the operation.`,
  )
}

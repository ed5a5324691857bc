/**
 * What every optimizer shares: slots of state for each parameter, a learning rate that may change, saving and
 * restoring by name. Each formula is written twice: as one loop over host memory (wasm, cpu) and as tfjs
 * operations (webgpu, webgl); a test holds them equal. Not for: the formulas (sgd.ts, adam.ts, rmsprop.ts).
 */
import { RondoError } from '@rondo/protocol'
import type { NamedTensor } from '../files/safetensors.ts'
import { allocateHost, hostView } from '../host-memory.ts'
import type { Parameter } from '../model/parameters.ts'
import { tf } from '../tfjs.ts'

/** Everything that a run needs to go on as if it had not stopped. Plain data. */
export interface OptimizerState {
  /** For each parameter: its slots as `<parameter>.<slot>`, and `<parameter>.step` (int32, shape []). */
  tensors: NamedTensor[]
  hyperparameters: Record<string, number | string | boolean>
}

export type Hyperparameters = Readonly<Record<string, number | boolean | string>>

/** The arrays of one update, all of one length: value and gradient are read, next and slots written. */
export interface HostUpdate {
  value: Float32Array
  gradient: Float32Array
  next: Float32Array
  slots: Float32Array[]
  /** 1 at the parameter's first update. */
  step: number
}

export interface DeviceUpdate {
  value: tf.Tensor
  gradient: tf.Tensor
  slots: tf.Tensor[]
  step: number
}

interface Slots {
  step: number
  tensors: tf.Tensor[]
}

export abstract class Optimizer {
  /** Name as in saved files: sgd, adam, adamw, rmsprop. */
  abstract readonly kind: string
  protected abstract readonly slotNames: readonly string[]
  private rate: number
  private readonly states = new Map<string, Slots>()
  private restored = new Map<string, NamedTensor>()

  constructor(learningRate: number) {
    this.rate = checkNumber('learningRate', learningRate, 0, Number.POSITIVE_INFINITY)
  }

  get learningRate(): number {
    return this.rate
  }

  set learningRate(value: number) {
    this.rate = checkNumber('learningRate', value, 0, Number.POSITIVE_INFINITY)
  }

  protected abstract hyperparameters(): Hyperparameters
  /** One pass over host memory; arithmetic in double precision, rounded when stored. */
  protected abstract updateHost(update: HostUpdate): void
  /** The same as tfjs operations; returns the new value and the new slots, in order. */
  protected abstract updateDevice(update: DeviceUpdate): { value: tf.Tensor; slots: tf.Tensor[] }

  /**
   * Moves each parameter by its gradient. A null gradient leaves the parameter and its state alone, as torch
   * does for `grad=None`. Gradients stay the caller's.
   */
  apply(parameters: readonly Parameter[], gradients: ReadonlyArray<tf.Tensor | null>): void {
    if (parameters.length !== gradients.length) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `optimizer.apply: ${gradients.length} gradients for ${parameters.length} parameters. ` +
          'There must be one for each, in the same order. Pass null for a parameter that is to stay as it is.',
      )
    }
    parameters.forEach((parameter, i) => {
      const gradient = gradients[i]
      if (gradient != null) this.applyOne(parameter, gradient)
    })
  }

  private applyOne({ name, variable }: Parameter, gradient: tf.Tensor): void {
    const state = this.stateOf(name, variable)
    state.step++
    const output = allocateHost(variable.shape)
    // Views come after the last allocation: the wasm heap may have moved.
    const next = output && hostView(output)
    const value = hostView(variable)
    const given = hostView(gradient)
    const slots = state.tensors.map(hostView)
    if (output && next && value && given && slots.every((view) => view !== null)) {
      this.updateHost({ value, gradient: given, next, slots: slots as Float32Array[], step: state.step })
      variable.assign(output)
      output.dispose()
      return
    }
    output?.dispose()
    const updated = tf.tidy(() =>
      this.updateDevice({ value: variable, gradient, slots: state.tensors, step: state.step }),
    )
    variable.assign(updated.value)
    updated.value.dispose()
    tf.dispose(state.tensors)
    state.tensors = updated.slots.map((slot) => tf.keep(slot))
  }

  private stateOf(name: string, variable: tf.Variable): Slots {
    let state = this.states.get(name)
    if (state === undefined) {
      state = tf.tidy(() => ({
        step: Number(this.restored.get(`${name}.step`)?.data[0] ?? 0),
        tensors: this.slotNames.map((slot) => tf.keep(this.initialSlot(`${name}.${slot}`, variable.shape))),
      }))
      for (const slot of [...this.slotNames, 'step']) this.restored.delete(`${name}.${slot}`)
      this.states.set(name, state)
    }
    return state
  }

  private initialSlot(name: string, shape: number[]): tf.Tensor {
    const saved = this.restored.get(name)
    if (saved === undefined) return tf.zeros(shape)
    if (saved.shape.join() !== shape.join()) {
      throw new RondoError(
        'PARAMETER_MISMATCH',
        `Optimizer state ${name} was saved with shape [${saved.shape.join(', ')}], the parameter has [${shape.join(', ')}]. ` +
          'They must be equal. Restore the state into the model that it was saved with.',
      )
    }
    return tf.tensor(Float32Array.from(saved.data as ArrayLike<number>), shape)
  }

  /** Reads all state off the device, in the order in which parameters were first updated. */
  async state(): Promise<OptimizerState> {
    const tensors: NamedTensor[] = []
    for (const [name, { step, tensors: slots }] of this.states) {
      const arrays = await Promise.all(slots.map((slot) => slot.data()))
      slots.forEach((slot, i) => {
        const data = (arrays[i] as Float32Array<ArrayBuffer>).slice()
        tensors.push({ name: `${name}.${this.slotNames[i]}`, shape: slot.shape, data })
      })
      tensors.push({ name: `${name}.step`, shape: [], data: Int32Array.of(step) })
    }
    tensors.push(...this.restored.values())
    return { tensors, hyperparameters: { kind: this.kind, learningRate: this.rate, ...this.hyperparameters() } }
  }

  /**
   * Takes over saved state; parameters that it does not name start anew. The learning rate is restored, the
   * other hyper-parameters stay as constructed.
   * @throws RondoError BAD_ARGUMENT when it was saved by another kind of optimizer.
   */
  restore(saved: OptimizerState): void {
    const { kind, learningRate } = saved.hyperparameters
    if (kind !== undefined && kind !== this.kind) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `Optimizer state was saved by ${kind} and is loaded into ${this.kind}. Both must be of one kind. ` +
          `Create a ${kind} optimizer, or start without the saved state.`,
      )
    }
    this.dispose()
    if (typeof learningRate === 'number') this.learningRate = learningRate
    this.restored = new Map(saved.tensors.map((tensor) => [tensor.name, tensor]))
  }

  /** Frees all state; the next `apply` starts anew. */
  dispose(): void {
    for (const { tensors } of this.states.values()) tf.dispose(tensors)
    this.states.clear()
    this.restored.clear()
  }
}

/** @throws RondoError BAD_ARGUMENT unless min ≤ value < max. */
export function checkNumber(option: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value < max) return value
  const range =
    max === Number.POSITIVE_INFINITY ? `a finite number of at least ${min}` : `a number from ${min} to below ${max}`
  throw new RondoError(
    'BAD_ARGUMENT',
    `Optimizer option ${option} is ${value}. It must be ${range}. Correct it where the optimizer is created.`,
  )
}

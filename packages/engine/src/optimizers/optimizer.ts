/**
 * What every optimizer shares: slots of state for each parameter, a learning rate that may change, saving and
 * restoring by name. A formula is written as one fused pass (fused/: host memory and webgpu) and as tfjs operations,
 * which are the reference and serve webgl; tests hold them equal. Not for: the formulas (sgd.ts, adam.ts, rmsprop.ts).
 */
import { RondoError } from '@rondo/protocol'
import type { NamedTensor } from '../files/safetensors.ts'
import type { GradientBuckets } from '../gradients/buckets.ts'
import type { Parameter } from '../model/parameters.ts'
import { tf } from '../tfjs.ts'
import { type DeviceBackend, deviceBackend } from '../webgpu-kernels/device.ts'
import { FUSED_OPTIMIZER } from '../webgpu-kernels/flags.ts'
import { DeviceStep } from './fused/device.ts'
import { type Formula, type FusedRule, type HostUpdate, scalarsOf } from './fused/formula.ts'
import { gradientOf, type HostGradient, lendBucket, updateOnHost } from './fused/host.ts'

/** Everything that a run needs to go on as if it had not stopped. Plain data. */
export interface OptimizerState {
  /** For each parameter: its slots as `<parameter>.<slot>`, and `<parameter>.step` (int32, shape []). */
  tensors: NamedTensor[]
  hyperparameters: Record<string, number | string | boolean>
}

export type Hyperparameters = Readonly<Record<string, number | boolean | string>>

export interface DeviceUpdate {
  value: tf.Tensor
  gradient: tf.Tensor
  slots: tf.Tensor[]
  step: number
}

interface Slots {
  step: number
  /** Empty where the slots lie in a device step's flat buffers. */
  tensors: tf.Tensor[]
  shape: number[]
}

/** Turns gradients into new values of the parameters; made by `sgd`, `adam`, `adamw`, `rmsprop` or out of a tfjs optimizer. */
export abstract class Optimizer implements FusedRule {
  /** Name as in saved files: sgd, adam, adamw, rmsprop. */
  abstract readonly kind: string
  protected abstract readonly slotNames: readonly string[]
  private rate: number
  /** By parameter, in the order of first updates. */
  private readonly states = new Map<string, Slots>()
  private restored = new Map<string, NamedTensor>()
  /** Holds the slots while the fused step of webgpu is in use. */
  private device: DeviceStep | null = null

  constructor(learningRate: number) {
    this.rate = checkNumber('learningRate', learningRate, 0, Number.POSITIVE_INFINITY)
  }

  /** Step size of the next step; at least 0. */
  get learningRate(): number {
    return this.rate
  }

  set learningRate(value: number) {
    this.rate = checkNumber('learningRate', value, 0, Number.POSITIVE_INFINITY)
  }

  /**
   * Momentum, or β₁ of Adam: what OneCycleLR moves beside the learning rate. Undefined where there is none, and then it
   * can't be set.
   */
  abstract get momentum(): number | undefined
  abstract set momentum(value: number)

  /** What is saved beside the state, apart from kind and learning rate. */
  /** λ, as it was made with. */
  abstract readonly weightDecay: number

  /** What is saved beside the state, apart from kind and learning rate. */
  protected abstract hyperparameters(): Hyperparameters
  abstract readonly formula: Formula
  abstract scalars(step: number): number[]
  abstract updateHost(update: HostUpdate): void
  /** The formula as tfjs operations; returns the new value and the new slots, in order. */
  protected abstract updateDevice(update: DeviceUpdate): { value: tf.Tensor; slots: tf.Tensor[] }

  /**
   * Moves each parameter by `scale` times its gradient. A null gradient leaves the parameter and its state alone, as
   * torch does for `grad=None`. Gradients stay the caller's.
   */
  apply(parameters: readonly Parameter[], gradients: ReadonlyArray<tf.Tensor | null>, scale = 1): void {
    if (parameters.length !== gradients.length) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `optimizer.apply: ${gradients.length} gradients for ${parameters.length} parameters. ` +
          'There must be one for each, in the same order. Pass null for a parameter that is to stay as it is.',
      )
    }
    const pairs = parameters.flatMap((parameter, i) => {
      const gradient = gradients[i]
      return gradient == null ? [] : [[parameter, gradient] as const]
    })
    const device = this.deviceStep()
    if (device !== null) {
      this.place(device, parameters)
      device.copyGradients(pairs)
      this.runOnDevice(
        device,
        pairs.map(([parameter]) => parameter),
        scale,
      )
      return
    }
    for (const [parameter, gradient] of pairs) {
      const { tensors, step } = this.nextStep(parameter)
      const host = tf.env().getBool(FUSED_OPTIMIZER) ? gradientOf(gradient) : null
      if (host !== null && updateOnHost(this, parameter.variable, tensors, host, scalarsOf(this, step, scale))) continue
      this.updateByOperations(parameter, gradient, scale)
    }
  }

  /**
   * Moves each parameter by `scale` times its gradient out of flat arrays, one a bucket, all of them in order, without
   * a tensor for each. `used`: 0 leaves the parameter at this index and its state alone. The arrays are only read.
   */
  applyBuckets(
    parameters: readonly Parameter[],
    buckets: GradientBuckets,
    arrays: readonly Float32Array[],
    { scale = 1, used }: { scale?: number; used?: ArrayLike<number> } = {},
  ): void {
    const isUsed = (index: number): boolean => used === undefined || used[index] !== 0
    const ordered = buckets.plan.map((slots) => slots.map(({ index }) => parameters[index] as Parameter))
    const device = this.deviceStep()
    if (device !== null) {
      this.place(device, ordered.flat())
      for (const [b, array] of arrays.entries()) device.writeGradients(ordered[b] as Parameter[], array)
      const taken = buckets.plan.flat().flatMap(({ index }) => (isUsed(index) ? [parameters[index] as Parameter] : []))
      this.runOnDevice(device, taken, scale)
      return
    }
    const fused = tf.env().getBool(FUSED_OPTIMIZER)
    for (const [b, array] of arrays.entries()) {
      lendBucket(array, (gradientAt) => {
        for (const { index, offset, size, shape } of buckets.plan[b] ?? []) {
          if (!isUsed(index)) continue
          const parameter = parameters[index] as Parameter
          const { tensors, step } = this.nextStep(parameter)
          const host: HostGradient | null = fused ? gradientAt(offset, size) : null
          const scalars = scalarsOf(this, step, scale)
          if (host !== null && updateOnHost(this, parameter.variable, tensors, host, scalars)) continue
          const gradient = tf.tensor(array.slice(offset, offset + size), shape, 'float32')
          this.updateByOperations(parameter, gradient, scale)
          gradient.dispose()
        }
      })
    }
  }

  /** The fused step of the present device; null where there is none or tfjs operations are to be used. */
  private deviceStep(): DeviceStep | null {
    const backend: DeviceBackend | null = deviceBackend()
    if (backend === null || !tf.env().getBool(FUSED_OPTIMIZER)) return null
    // State that operations have begun stays with them, so that the flag can be set at any time.
    if (this.device === null && this.states.size > 0) return null
    this.device ??= new DeviceStep(backend, this)
    return this.device
  }

  private place(device: DeviceStep, parameters: readonly Parameter[]): void {
    device.place(parameters, (name, slot) => {
      const parameter = parameters.find((one) => one.name === name) as Parameter
      return this.savedSlot(`${name}.${this.slotNames[slot]}`, parameter.variable.shape)
    })
  }

  private runOnDevice(device: DeviceStep, parameters: readonly Parameter[], scale: number): void {
    device.run(
      parameters.map((parameter) => ({ parameter, step: this.nextStep(parameter).step })),
      scale,
    )
  }

  /** The state of a parameter that is updated now, its step counted. */
  private nextStep({ name, variable }: Parameter): Slots {
    const state = this.stateOf(name, variable)
    state.step++
    return state
  }

  private updateByOperations({ name, variable }: Parameter, gradient: tf.Tensor, scale: number): void {
    const state = this.stateOf(name, variable)
    const updated = tf.tidy(() =>
      this.updateDevice({
        value: variable,
        gradient: scale === 1 ? gradient : tf.mul(gradient, scale),
        slots: state.tensors,
        step: state.step,
      }),
    )
    variable.assign(updated.value)
    updated.value.dispose()
    tf.dispose(state.tensors)
    state.tensors = updated.slots.map((slot) => tf.keep(slot))
  }

  private stateOf(name: string, variable: tf.Variable): Slots {
    let state = this.states.get(name)
    if (state === undefined) {
      const { shape } = variable
      const slots = this.device === null ? this.slotNames : []
      state = tf.tidy(() => ({
        step: Number(this.restored.get(`${name}.step`)?.data[0] ?? 0),
        tensors: slots.map((slot) => {
          const saved = this.savedSlot(`${name}.${slot}`, shape)
          return tf.keep(saved === null ? tf.zeros(shape) : tf.tensor(saved, shape))
        }),
        shape,
      }))
      for (const slot of [...this.slotNames, 'step']) this.restored.delete(`${name}.${slot}`)
      this.states.set(name, state)
    }
    return state
  }

  private savedSlot(name: string, shape: number[]): Float32Array<ArrayBuffer> | null {
    const saved = this.restored.get(name)
    if (saved === undefined) return null
    if (saved.shape.join() !== shape.join()) {
      throw new RondoError(
        'PARAMETER_MISMATCH',
        `Optimizer state ${name} was saved with shape [${saved.shape.join(', ')}], the parameter has [${shape.join(', ')}]. ` +
          'They must be equal. Restore the state into the model that it was saved with.',
      )
    }
    return Float32Array.from(saved.data as ArrayLike<number>)
  }

  /** Reads all state off the device, in the order in which parameters were first updated. */
  async state(): Promise<OptimizerState> {
    const tensors: NamedTensor[] = []
    const states = [...this.states]
    const onDevice = await this.device?.readSlots(states.map(([name]) => name))
    for (const [i, [name, { step, tensors: slots, shape }]] of states.entries()) {
      const arrays = onDevice?.[i] ?? (await Promise.all(slots.map((slot) => slot.data())))
      arrays.forEach((array, s) => {
        const data = (array as Float32Array<ArrayBuffer>).slice()
        tensors.push({ name: `${name}.${this.slotNames[s]}`, shape, data })
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
    this.device?.dispose()
    this.device = null
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

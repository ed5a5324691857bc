/**
 * One part of the model in DiLoCo: the global weights that all ranks agreed on, the outer momentum, and the way from
 * local weights to the next global ones. Not for: whose turn it is (meeting.ts).
 */
import { type NamedTensor, type Parameter, readTensors, writeTensors } from '@rondo/engine'
import { cut, flatten } from '../local-sgd/weight-average.ts'
import type { StrategyContext } from '../strategy.ts'
import type { DiLoCoSettings } from './options.ts'
import { outerStep } from './outer-step.ts'

const CODECS = { none: 'f32', fp16: 'f16', int8: 'int8' } as const

export class Fragment {
  private readonly trained: readonly Parameter[]
  /** Running statistics and the like: they have no gradient, so their plain mean is taken. */
  private readonly buffers: readonly Parameter[]
  private readonly context: StrategyContext
  private readonly settings: DiLoCoSettings
  private global = new Float32Array(0)
  private momentum = new Float32Array(0)
  private samples = 0
  private inFlight: { delta: Promise<Float32Array>; buffers: Promise<Float32Array> | null } | null = null

  constructor(parameters: readonly Parameter[], context: StrategyContext, settings: DiLoCoSettings) {
    const floats = parameters.filter(({ variable }) => variable.dtype === 'float32')
    this.trained = floats.filter(({ trainable }) => trainable)
    this.buffers = floats.filter(({ trainable }) => !trainable)
    this.context = context
    this.settings = settings
  }

  /** Takes the weights as they are for the global ones. They must be equal on all ranks. */
  async adopt(momentum: ReadonlyMap<string, Float32Array> = new Map()): Promise<void> {
    this.global = flatten(await this.read(this.trained))
    this.momentum = flatten(
      this.trained.map(({ name, variable }) => momentum.get(name) ?? new Float32Array(variable.size)),
    )
    this.samples = 0
    this.inFlight = null
  }

  count(samples: number): void {
    this.samples += samples
  }

  get due(): boolean {
    return this.samples > 0
  }

  /**
   * Sends how far this rank has come, weighted by its samples; `finish` takes the result. Collective.
   * @param leaves called when it is on its way; what it returns is called when it has arrived
   */
  async begin(leaves: () => () => void = () => () => {}): Promise<void> {
    const { group, signal } = this.context
    const own = this.samples
    this.samples = 0
    const sum =
      group.worldSize === 1
        ? own
        : ((await group.allReduce(Float64Array.of(own), { op: 'sum', name: 'samples', signal }))[0] as number)
    if (sum === 0) return
    const share = own / sum
    const local = flatten(await this.read(this.trained))
    const delta = this.global.map((value, i) => (value - (local[i] as number)) * share)
    const codec = CODECS[this.settings.quantize]
    const sums = group.allReduce(delta, { op: 'sum', codec, name: 'pseudo-gradients', signal })
    const means =
      this.buffers.length === 0
        ? null
        : group.allReduce(flatten(await this.read(this.buffers), share), { op: 'sum', name: 'buffers', signal })
    // Awaited in `finish`; until then a failure of the group must not count as unhandled.
    means?.catch(() => {})
    const arrived = leaves()
    sums.then(arrived, arrived)
    this.inFlight = { delta: sums, buffers: means }
  }

  /** Takes the outer step. @param alpha how much of the local weights stays */
  async finish(alpha: number): Promise<void> {
    if (this.inFlight === null) return
    const { delta, buffers } = this.inFlight
    this.inFlight = null
    outerStep(this.global, await delta, this.momentum, this.settings)
    const next = alpha === 0 ? this.global : mix(flatten(await this.read(this.trained)), this.global, alpha)
    this.write(this.trained, next)
    if (buffers !== null) this.write(this.buffers, await buffers)
  }

  /** Leaves what is local of the weights. */
  takeGlobal(): void {
    this.write(this.trained, this.global)
  }

  /** Waits for what travels and leaves it. */
  async drop(): Promise<void> {
    const { inFlight } = this
    this.inFlight = null
    await Promise.all([inFlight?.delta, inFlight?.buffers])
  }

  /** The outer momentum, by parameter. */
  state(): NamedTensor[] {
    const parts = cut(
      this.momentum,
      this.trained.map(({ variable }) => variable),
    )
    return this.trained.map(({ name, variable }, i) => ({
      name: `${name}.momentum`,
      shape: variable.shape,
      data: (parts[i] as Float32Array).slice(),
    }))
  }

  private async read(parameters: readonly Parameter[]): Promise<Float32Array[]> {
    return (await readTensors(parameters.map(({ variable }) => variable))) as Float32Array[]
  }

  private write(parameters: readonly Parameter[], values: Float32Array): void {
    const variables = parameters.map(({ variable }) => variable)
    writeTensors(variables, cut(values, variables))
  }
}

function mix(local: Float32Array, global: Float32Array, alpha: number): Float32Array {
  return local.map((value, i) => alpha * value + (1 - alpha) * (global[i] as number))
}

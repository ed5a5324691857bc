/**
 * The weights of all ranks replaced by their mean, each rank counting by the samples that it has seen since the last
 * time (local SGD: Stich 2019). Not for: when that happens.
 */
import { type Parameter, readTensors, writeTensors } from '@rondo/engine'
import type { StrategyContext } from '../strategy.ts'

export class WeightAverage {
  private readonly context: StrategyContext
  private readonly variables: ReadonlyArray<Parameter['variable']>
  private samples = 0

  /** @param parameters those that are averaged, buffers too; what is no float stays each rank's own */
  constructor(parameters: readonly Parameter[], context: StrategyContext) {
    this.context = context
    this.variables = parameters.map(({ variable }) => variable).filter(({ dtype }) => dtype === 'float32')
  }

  /** This rank has trained on so many more. */
  count(samples: number): void {
    this.samples += samples
  }

  /** The weights were replaced, by the same on all ranks. */
  forget(): void {
    this.samples = 0
  }

  /** Whether any weight can have changed since the last average. */
  get due(): boolean {
    return this.samples > 0
  }

  /** Collective. World 1 touches no network. */
  async average(): Promise<void> {
    const { group, signal } = this.context
    const own = this.samples
    this.samples = 0
    if (group.worldSize === 1) return
    const sum = (await group.allReduce(Float64Array.of(own), { op: 'sum', name: 'samples', signal }))[0] as number
    if (sum === 0) return
    const flat = flatten((await readTensors([...this.variables])) as Float32Array[], own / sum)
    await group.allReduce(flat, { op: 'sum', name: 'weights', signal, into: flat })
    writeTensors(this.variables, cut(flat, this.variables))
  }
}

/** One array after the other, times `scale`. */
export function flatten(arrays: readonly Float32Array[], scale = 1): Float32Array<ArrayBuffer> {
  const flat = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const array of arrays) {
    for (let i = 0; i < array.length; i++) flat[at + i] = (array[i] as number) * scale
    at += array.length
  }
  return flat
}

/** The opposite of `flatten`: views, one a variable. */
export function cut(flat: Float32Array, variables: ReadonlyArray<{ size: number }>): Float32Array[] {
  let at = 0
  return variables.map(({ size }) => {
    at += size
    return flat.subarray(at - size, at)
  })
}

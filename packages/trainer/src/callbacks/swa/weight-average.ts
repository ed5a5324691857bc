/**
 * The running mean of a model's parameters, kept in host memory in float32 as torch.optim.swa_utils.AveragedModel keeps
 * it on the CPU. Not for: when to take part of it (stochastic-weight-averaging.ts).
 */
import { readTensors, tf, writeTensors } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { AverageFunction } from './swa-options.ts'

type Parameters = Readonly<Record<string, tf.Variable>>

/** By the parameter's path. */
export type Averages = Record<string, Float32Array>

const f32 = Math.fround

/**
 * The averages with one more model in them; the first one is taken as it is.
 * @param count models that are in them so far
 */
export async function averaged(
  averages: Averages,
  parameters: Parameters,
  count: number,
  avgFn: AverageFunction | null,
): Promise<Averages> {
  const names = Object.keys(parameters)
  const values = await readTensors(Object.values(parameters))
  const next: Averages = {}
  for (const [i, name] of names.entries()) {
    const value = values[i] as Float32Array
    const mean = averages[name]
    if (count === 0 || mean === undefined) next[name] = Float32Array.from(value)
    else if (avgFn === null) next[name] = mean.map((m, k) => f32(m + f32(f32((value[k] as number) - m) / (count + 1))))
    else next[name] = await combined(mean, parameters[name] as tf.Variable, count, avgFn)
  }
  return next
}

/** Puts the averages into the model. @throws PARAMETER_MISMATCH when they are those of another one */
export function writeAverages(averages: Averages, parameters: Parameters): void {
  const missing = Object.keys(parameters).find((name) => averages[name] === undefined)
  if (missing !== undefined) {
    throw new RondoError(
      'PARAMETER_MISMATCH',
      `StochasticWeightAveraging: there is no average of ${missing}. The parameters must be the same from the first average on. Make all layers in the constructor or in configureModel().`,
    )
  }
  writeTensors(
    Object.values(parameters),
    Object.keys(parameters).map((name) => averages[name] as Float32Array),
  )
}

async function combined(
  mean: Float32Array,
  parameter: tf.Variable,
  count: number,
  avgFn: AverageFunction,
): Promise<Float32Array> {
  const result = tf.tidy(() => {
    const made: unknown = avgFn(tf.tensor(mean, parameter.shape), parameter, count)
    if (made instanceof tf.Tensor && made.shape.join() === parameter.shape.join()) return tf.clone(made)
    throw new RondoError(
      'BAD_ARGUMENT',
      `StochasticWeightAveraging({ avgFn }): it returned ${made instanceof tf.Tensor ? `shape [${made.shape.join(', ')}]` : `a ${typeof made}`}; allowed is a tensor of the parameter's shape [${parameter.shape.join(', ')}]. Return averaged.add(parameter.sub(averaged).div(count + 1)) or the like.`,
    )
  })
  const values = Float32Array.from(await result.data())
  result.dispose()
  return values
}

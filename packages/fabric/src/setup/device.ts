/**
 * `toDevice`, `initTensor` and `initModule`: values and models on the accelerator that this rank computes on. tfjs keeps
 * every tensor on the backend that made it. Not for: choosing the accelerator (core.ts).
 */
import { type Model, parametersOf, readTensors, tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { FabricCore } from '../core.ts'
import { toTensor } from '../fabric-loader.ts'
import { FabricModel } from '../fabric-model.ts'
import { backendOf, placeParameters } from './place.ts'

/**
 * The same value with every tensor on this rank's accelerator: tensors that lie elsewhere are copied, columns of a
 * loader become tensors, models are moved in place, everything else stays as it is.
 */
export async function toDevice<T>(core: FabricCore, value: T): Promise<T> {
  await core.prepareDevice()
  return (await moved(value)) as T
}

async function moved(value: unknown): Promise<unknown> {
  if (value instanceof tf.Tensor) return movedTensor(value)
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  if (value instanceof FabricModel) return value
  if (isColumn(value)) return toTensor(value)
  if (Array.isArray(value)) return Promise.all(value.map(moved))
  if (Object.getPrototypeOf(value) === Object.prototype) {
    const entries = Object.entries(value).map(async ([key, item]) => [key, await moved(item)] as const)
    return Object.fromEntries(await Promise.all(entries))
  }
  const model = value as { forward?: unknown; parameters?: unknown; trainableWeights?: unknown }
  if (typeof model.parameters === 'function' || model.trainableWeights !== undefined) {
    await placeParameters(parametersOf(value as Model), true)
  }
  return value
}

async function movedTensor(tensor: tf.Tensor): Promise<tf.Tensor> {
  if (backendOf(tensor) === tf.engine().backend) return tensor
  if (tensor instanceof tf.Variable) {
    await placeParameters([{ name: tensor.name, variable: tensor, trainable: tensor.trainable }], true)
    return tensor
  }
  const [values] = await readTensors([tensor])
  return tf.tensor(values as Float32Array, tensor.shape, tensor.dtype)
}

type ColumnLike = Parameters<typeof toTensor>[0]

function isColumn(value: object): value is ColumnLike {
  const { data, shape, dtype } = value as Partial<ColumnLike>
  return ArrayBuffer.isView(data) && Array.isArray(shape) && typeof dtype === 'string'
}

/** What `fn` makes, made when the accelerator is ready, so that it lies there. */
export async function initOnDevice<T>(
  core: FabricCore,
  call: string,
  fn: () => T | Promise<T>,
  { emptyInit = false }: { emptyInit?: boolean } = {},
): Promise<T> {
  if (typeof fn !== 'function') {
    throw new RondoError(
      'BAD_ARGUMENT',
      `${call}(fn): fn is of type ${typeof fn}; it must be a function that makes the value. Pass ${call}(() => …).`,
    )
  }
  await core.prepareDevice()
  if (emptyInit) {
    console.info(`${call}: emptyInit is true, but TensorFlow.js always initialises; weights start as without it.`)
  }
  return fn()
}

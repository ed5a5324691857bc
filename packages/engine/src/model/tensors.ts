/**
 * Values of variables and tensors in and out of the device, always asynchronously outwards: `dataSync` would
 * stall the GPU. Not for: gradients, which travel in buckets (gradients/buckets.ts).
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { RondoError } from '@rondo/protocol'
import { tf } from '../tfjs.ts'
import type { Parameter } from './parameters.ts'

/** What tfjs keeps in numeric tensors: float32, int32, and bool as bytes. */
export type TensorData = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>

/** Reads tensors to fresh arrays that the caller owns, in order. */
export async function readTensors(tensors: readonly tf.Tensor[]): Promise<TensorData[]> {
  const arrays = await Promise.all(tensors.map((tensor) => tensor.data()))
  // All backends but wasm may hand out storage of their own; a copy keeps reader and backend apart.
  const shared = tf.getBackend() !== 'wasm'
  return arrays.map((array) => (shared ? array.slice() : array) as TensorData)
}

/**
 * Writes values into variables, in order.
 * @throws RondoError PARAMETER_MISMATCH when counts or sizes differ; nothing is written then.
 */
export function writeTensors(variables: readonly tf.Variable[], values: ReadonlyArray<ArrayLike<number>>): void {
  const wrong = variables.findIndex((variable, i) => values[i]?.length !== variable.size)
  if (variables.length !== values.length || wrong >= 0) {
    const at = wrong < 0 ? variables.length : wrong
    throw new RondoError(
      'PARAMETER_MISMATCH',
      `Weights to load: entry ${at} has ${values[at]?.length ?? 'no'} values, the model expects ` +
        `${variables[at] === undefined ? 'nothing' : `shape [${variables[at].shape.join(', ')}]`}. ` +
        `Allowed are values for exactly these ${variables.length} parameters. Build the model that the weights were saved from.`,
    )
  }
  tf.tidy(() => {
    variables.forEach((variable, i) => {
      const value = values[i] as TensorData
      // tfjs's cpu backend adopts the array it is given; the caller may go on using his.
      variable.assign(tf.tensor(value.slice(), variable.shape, variable.dtype as 'float32'))
    })
  })
}

/** One line of a model's fingerprint: ranks compare these lists before they exchange a byte. */
export interface ParameterSignature {
  name: string
  shape: number[]
  dtype: string
  trainable: boolean
}

/** Names, shapes and kinds of all parameters, in order, as plain data. */
export function signatureOf(parameters: readonly Parameter[]): ParameterSignature[] {
  return parameters.map(({ name, variable, trainable }) => ({
    name,
    shape: [...variable.shape],
    dtype: variable.dtype,
    trainable,
  }))
}

/**
 * SHA-256, lower-case hexadecimal, over the bytes of all parameters in order (little-endian, as tensors lie in
 * memory). Computed in JavaScript because `crypto.subtle` is missing on insecure pages.
 */
export async function weightsHash(parameters: readonly Parameter[]): Promise<string> {
  const hash = sha256.create()
  for (const values of await readTensors(parameters.map(({ variable }) => variable))) {
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
  }
  return bytesToHex(hash.digest())
}

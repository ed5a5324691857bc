/**
 * What becomes of tfjs's backend when its device is gone. tfjs 4.22 does not look at `device.lost`: operations do
 * nothing, and a tensor that is read or used on another backend gives zeros without a word. Here reading says what
 * happened. Not for: getting a new device (webgpu-backend.ts).
 */
import { RondoError } from '@rondo/protocol'
import { tf } from '../tfjs.ts'

interface ReadableBackend {
  tensorMap: { has(id: object): boolean; get(id: object): { values: unknown } }
  read(id: object): Promise<unknown>
  readSync(id: object): unknown
}

/** Makes the present webgpu backend answer reads with an error, except for values that are still on the host. */
export function closeLostBackend(cause: RondoError): void {
  const backend = tf.findBackend('webgpu') as unknown as ReadableBackend | null
  if (!backend) return
  const hostValues = (id: object): unknown => {
    const values = backend.tensorMap.has(id) ? backend.tensorMap.get(id).values : null
    if (values === null || values === undefined) throw gone(cause)
    return values
  }
  backend.readSync = hostValues
  backend.read = async (id) => hostValues(id)
}

function gone(cause: RondoError): RondoError {
  return new RondoError(
    'ACCELERATOR_UNAVAILABLE',
    'This tensor was on a WebGPU device that is lost, and its values with it. What lives on is the model and the ' +
      'optimizers that were set up, once the ranks have met at the next step, and data loaders, whose batches come from the ' +
      `host. Make other tensors anew, or keep their values in arrays. (${cause.message})`,
    { cause },
  )
}

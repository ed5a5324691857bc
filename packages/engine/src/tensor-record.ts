/**
 * A record of the tensors and variables that are born from a moment on, so that all that one job leaves behind can be
 * freed while what was there before stays. tfjs's own scopes cannot: they forget nothing until they end, and a job
 * takes millions of steps. Not for: memory inside a job (tf.tidy).
 */
import { invariant } from '@rondo/protocol'
import { tf } from './tfjs.ts'

/** The two doors of tfjs's engine (tfjs-core/src/engine.ts) through which every tensor comes and goes. */
interface EngineDoors {
  trackTensor(tensor: tf.Tensor, backend: unknown): void
  disposeTensor(tensor: tf.Tensor): void
  state: { activeScope?: unknown }
}

export interface TensorRecord {
  /** Tensors and variables that were born since and still live. */
  readonly live: number
  /** Frees them all and stops recording. Returns how many there were. */
  disposeAll(): number
}

let recording = false

/** Starts recording; one record at a time. Costs a set entry a tensor. */
export function recordTensors(): TensorRecord {
  invariant(!recording, 'one record of tensors at a time')
  recording = true
  const engine = tf.engine() as unknown as EngineDoors
  const { trackTensor, disposeTensor } = engine
  const born = new Set<tf.Tensor>()
  // A variable that is assigned goes and comes again, so those of before must be known.
  const old = new Set<tf.Tensor>(Object.values(tf.engine().registeredVariables))
  engine.trackTensor = function (tensor, backend) {
    trackTensor.call(this, tensor, backend)
    if (!old.has(tensor)) born.add(tensor)
  }
  engine.disposeTensor = function (tensor) {
    disposeTensor.call(this, tensor)
    born.delete(tensor)
  }
  let stopped = false
  return {
    get live() {
      return born.size
    },
    disposeAll() {
      if (stopped) return 0
      stopped = true
      recording = false
      engine.trackTensor = trackTensor
      engine.disposeTensor = disposeTensor
      while (engine.state.activeScope) tf.engine().endScope()
      const left = [...born].filter((tensor) => !tensor.isDisposed)
      for (const tensor of left) tensor.dispose()
      return left.length
    },
  }
}

/**
 * tfjs's webgl backend, loaded when somebody asks for it by name. Not for: choosing it, which `auto` never does.
 */
import { tf } from '../tfjs.ts'

/** Below that of every other backend: tfjs must not begin with it by itself. */
const LAST = 0

/** Makes `tf.setBackend('webgl')` known. Harmless where tfjs has brought the backend along. */
export function registerWebgl(): void {
  if (tf.findBackendFactory('webgl') !== null) return
  tf.registerBackend(
    'webgl',
    async () => {
      const { MathBackendWebGL } = await import('@tensorflow/tfjs-backend-webgl')
      return new MathBackendWebGL()
    },
    LAST,
  )
}

/** Where a model's parameters lie: tfjs keeps each tensor on the backend that made it. Not for: choosing a backend. */
import { type Parameter, readTensors, tf, writeTensors } from '@rondo/engine'

interface EngineState {
  state: { tensorInfo: WeakMap<object, { backend: object }> }
}

/** The backend that holds a tensor. */
export function backendOf(tensor: tf.Tensor): object | undefined {
  const { tensorInfo } = (tf.engine() as unknown as EngineState).state
  return tensorInfo.get(tensor.dataId)?.backend
}

/** Parameters that lie on each backend, the most first. */
function backendsOf(parameters: readonly Parameter[]): Map<object, Parameter[]> {
  const places = new Map<object, Parameter[]>()
  for (const parameter of parameters) {
    const backend = backendOf(parameter.variable)
    if (backend) places.set(backend, [...(places.get(backend) ?? []), parameter])
  }
  return places
}

/**
 * Warns of parameters on different backends, and moves all of them to the present one unless `move` is false; tfjs
 * then moves each when it is first used.
 */
export async function placeParameters(parameters: readonly Parameter[], move: boolean): Promise<void> {
  const places = backendsOf(parameters)
  const present = tf.engine().backend
  if (places.size > 1) {
    const counts = [...places.values()].map(({ length }) => length).join(' and ')
    const what = move
      ? `All are moved to ${tf.getBackend()}; moveToDevice: false leaves them where they are.`
      : 'They stay there, as moveToDevice is false.'
    console.warn(
      `setup(model): its ${parameters.length} parameters lie on ${places.size} different backends (${counts} of them). ${what}`,
    )
  }
  if (!move) return
  const away = [...places].flatMap(([backend, list]) => (backend === present ? [] : list))
  if (away.length === 0) return
  const variables = away.map(({ variable }) => variable)
  writeTensors(variables, await readTensors(variables))
}

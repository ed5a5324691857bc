/**
 * A set-up model answers for its module's other methods too. One that reaches the weights is refused unless it was
 * marked: gradients are averaged for what `forward` computes, so another way in would go around the strategy (Lightning
 * Fabric's `_FabricModule`). Not for: `forward` itself (fabric-model.ts).
 */
import { forwardUnder, type Parameter, tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { FabricModel, UserModel } from '../fabric-model.ts'

/** A model after `setup`: the wrapper, and everything else that the module has. */
export type SetUpModel<M extends UserModel = UserModel> = FabricModel<M> & Omit<M, keyof FabricModel<M>>

/** What of tfjs trains by itself, without the ranks. */
const OWN_TRAINING: readonly string[] = ['fit', 'fitDataset', 'trainOnBatch']

interface KernelEngine {
  runKernel(name: string, inputs: Record<string, unknown>, attributes?: unknown): unknown
}

/** The wrapper as scripts get it: names that it does not have are the module's. */
export function withModuleMethods<M extends UserModel>(model: FabricModel<M>): SetUpModel<M> {
  const own = (name: PropertyKey): boolean => name in model
  return new Proxy(model, {
    has: (target, name) => name in target || name in target.module,
    get(target, name, receiver) {
      if (own(name) || typeof name === 'symbol') return Reflect.get(target, name, receiver)
      const value: unknown = Reflect.get(target.module, name)
      return typeof value === 'function' ? methodOf(target, name, value as Method) : value
    },
    set(target, name, value) {
      return own(name) ? Reflect.set(target, name, value) : Reflect.set(target.module, name, value)
    },
  }) as SetUpModel<M>
}

type Method = (...args: unknown[]) => unknown

function methodOf(model: FabricModel, name: string, method: Method): Method {
  if (OWN_TRAINING.includes(name)) {
    return () => {
      throw new RondoError(
        'UNSUPPORTED',
        `model.${name}() would train with this rank's gradient alone, without the average over ranks. Call fabric.backward(() => loss) and then optimizer.step().`,
      )
    }
  }
  return (...args) => {
    if (model.forwardMethods.has(name)) {
      return forwardUnder(model.halfType, args, (cast) => method.apply(model.module, cast))
    }
    return watched(model.parameters(), () => method.apply(model.module, args), name)
  }
}

/** Runs a method and throws when an operation takes a parameter. Its asynchronous part records no gradient anyway. */
function watched(parameters: readonly Parameter[], run: () => unknown, name: string): unknown {
  const weights = new Map<unknown, string>(parameters.map((parameter) => [parameter.variable, parameter.name]))
  const engine = tf.engine() as unknown as KernelEngine
  const before = Object.getOwnPropertyDescriptor(engine, 'runKernel')
  const { runKernel } = engine
  engine.runKernel = (kernel, inputs, attributes) => {
    const reached = Object.values(inputs).find((input) => weights.has(input))
    if (reached !== undefined) throw bypass(name, weights.get(reached) as string)
    return runKernel.call(engine, kernel, inputs, attributes)
  }
  try {
    return run()
  } finally {
    if (before) Object.defineProperty(engine, 'runKernel', before)
    else delete (engine as Partial<KernelEngine>).runKernel
  }
}

function bypass(name: string, parameter: string): RondoError {
  return new RondoError(
    'UNSUPPORTED',
    `model.${name}() computes with ${parameter} and is not forward, so it goes around the strategy and its gradient would not be averaged. ` +
      `Allowed are forward and marked methods. Call model.markForwardMethod("${name}") after setup, or model.module.${name}() for what trains nothing.`,
  )
}

/** A callback out of functions, without a class. Semantics are Lightning's `LambdaCallback`. */
import { RondoError } from '@rondo/protocol'
import { HOOK_NAMES, type HookName } from '../hooks.ts'
import { Callback } from './callback.ts'

/** Any of the hooks of `Callback`, as functions. */
export type LambdaHooks = Partial<Pick<Callback, HookName>>

export class LambdaCallback extends Callback {
  /** @throws BAD_ARGUMENT for a name that is no hook, and for what is no function */
  constructor(hooks: LambdaHooks = {}) {
    super()
    for (const [name, hook] of Object.entries(hooks)) {
      if (!(HOOK_NAMES as readonly string[]).includes(name)) {
        throw new RondoError(
          'BAD_ARGUMENT',
          `LambdaCallback({ ${name} }): there is no such hook. Allowed are ${HOOK_NAMES.join(', ')}. Correct the name.`,
        )
      }
      if (typeof hook !== 'function') {
        throw new RondoError(
          'BAD_ARGUMENT',
          `LambdaCallback({ ${name}: ${String(hook)} }): allowed is a function (trainer, module, …) => …. Pass one.`,
        )
      }
    }
    Object.assign(this, hooks)
  }

  override stateDict(): Record<string, unknown> {
    return {}
  }
}

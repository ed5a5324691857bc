/**
 * The hooks that modules and callbacks may define, with Lightning's names in camelCase, and how one is called. Not
 * for: when (loops).
 */

export type Awaitable<T> = T | Promise<T>

/** What a trainer was asked to do; `setup` and `teardown` get it. */
export type Stage = 'fit' | 'validate' | 'test' | 'predict'

/** A batch as the loader gives it: tensors in the data set's order. */
// biome-ignore lint/suspicious/noExplicitAny: only the user's data set knows what it is
export type AnyBatch = any

/** What a step returned. */
// biome-ignore lint/suspicious/noExplicitAny: only the user's step knows what it is
export type AnyOutput = any

/** Hooks without arguments of their own. */
type PlainHook =
  | 'onFitStart'
  | 'onFitEnd'
  | 'onSanityCheckStart'
  | 'onSanityCheckEnd'
  | 'onBeforeZeroGrad'
  | 'onAfterBackward'
  | 'onBeforeOptimizerStep'
type Loop = 'Train' | 'Validation' | 'Test' | 'Predict'
type LoopHook = `on${Loop}${'' | 'Epoch' | 'Batch'}${'Start' | 'End'}`

export type HookName = PlainHook | LoopHook | 'setup' | 'teardown' | 'onException'

const warned = new WeakMap<object, Set<string>>()

/** Calls `owner[name](...args)` if it is a function; anything else under that name is warned about once. */
export async function callOn(owner: object, name: HookName, args: readonly unknown[]): Promise<void> {
  const hook: unknown = (owner as Record<string, unknown>)[name]
  if (typeof hook === 'function') {
    await (hook as (...given: unknown[]) => unknown).apply(owner, [...args])
  } else if (hook !== undefined) {
    const known = warned.get(owner) ?? new Set<string>()
    if (known.has(name)) return
    warned.set(owner, known.add(name))
    console.warn(`${owner.constructor.name}.${name} is a ${typeof hook} and no function; it is passed over.`)
  }
}

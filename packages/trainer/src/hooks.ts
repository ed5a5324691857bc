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

/** Hooks beside those of the loops. */
const PLAIN_HOOKS = [
  'setup',
  'teardown',
  'onException',
  'onFitStart',
  'onFitEnd',
  'onSanityCheckStart',
  'onSanityCheckEnd',
  'onBeforeBackward',
  'onBeforeZeroGrad',
  'onAfterBackward',
  'onBeforeOptimizerStep',
  'onSaveCheckpoint',
  'onLoadCheckpoint',
] as const
const LOOPS = ['Train', 'Validation', 'Test', 'Predict'] as const
const PARTS = ['', 'Epoch', 'Batch'] as const
const ENDS = ['Start', 'End'] as const

type LoopHook = `on${(typeof LOOPS)[number]}${(typeof PARTS)[number]}${(typeof ENDS)[number]}`

export type HookName = (typeof PLAIN_HOOKS)[number] | LoopHook

/** Every hook there is. */
export const HOOK_NAMES: readonly HookName[] = [
  ...PLAIN_HOOKS,
  ...LOOPS.flatMap((loop) => PARTS.flatMap((part) => ENDS.map((end) => `on${loop}${part}${end}` as const))),
]

/** Methods that look like a hook that there is not: `onTrainEpochEnds`. */
const HOOK_LIKE = /^on_?(train|val|test|predict|fit|sanity|before|after|exception|save|load|batch|epoch)/i
/** Letters of a shared beginning from which a name is proposed. */
const NEAR = 7

const warned = new WeakMap<object, Set<string>>()

/** Calls `owner[name](...args)` if it is a function; anything else under that name is warned about once. */
export async function callOn(owner: object, name: HookName, args: readonly unknown[]): Promise<void> {
  await callNow(owner, name, args)
}

/** As `callOn`, for a hook that has to be over when its caller goes on; what the hook returned. */
export function callNow(owner: object, name: HookName, args: readonly unknown[]): unknown {
  const hook: unknown = (owner as Record<string, unknown>)[name]
  if (typeof hook === 'function') return (hook as (...given: unknown[]) => unknown).apply(owner, [...args])
  if (hook !== undefined && isNew(owner, name)) {
    console.warn(`${nameOf(owner)}.${name} is a ${typeof hook} and no function; it is passed over.`)
  }
  return undefined
}

/** Warns, once for each name, of methods that look like hooks and are none: nobody would ever call them. */
export function warnOfUnknownHooks(owner: object): void {
  for (const name of methodNames(owner)) {
    if (!HOOK_LIKE.test(name) || (HOOK_NAMES as readonly string[]).includes(name) || !isNew(owner, name)) continue
    const near = nearest(name)
    console.warn(
      `${nameOf(owner)}.${name} looks like a hook, and there is none of this name, so it is never called.${near ? ` Did you mean ${near}?` : ''}`,
    )
  }
}

function isNew(owner: object, name: string): boolean {
  const known = warned.get(owner) ?? new Set<string>()
  if (known.has(name)) return false
  warned.set(owner, known.add(name))
  return true
}

function nameOf(owner: object): string {
  return owner.constructor?.name ?? 'object'
}

/** Own and inherited functions, accessors aside. */
function methodNames(owner: object): string[] {
  const names = new Set<string>()
  for (let level = owner; level && level !== Object.prototype; level = Object.getPrototypeOf(level) as object) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (typeof value === 'function') names.add(name)
    }
  }
  return [...names]
}

function nearest(name: string): string | undefined {
  const flat = (text: string): string => text.replaceAll('_', '').toLowerCase()
  const wanted = flat(name)
  const shared = (candidate: string): number => {
    const other = flat(candidate)
    let length = 0
    while (length < other.length && other[length] === wanted[length]) length++
    return other === wanted ? Number.POSITIVE_INFINITY : length
  }
  const [best] = [...HOOK_NAMES].sort((a, b) => shared(b) - shared(a) || a.length - b.length)
  return best !== undefined && shared(best) >= NEAR ? best : undefined
}

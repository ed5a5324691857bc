/**
 * Callbacks of a Fabric: objects whose methods `fabric.call` runs by name, in order (Lightning Fabric's `call`). Not
 * for: the Trainer's callbacks, which get trainer and module (trainer).
 */

import { declaredArguments } from './call-arguments.ts'

/** Any object; methods that `call` does not find on it are skipped. */
// biome-ignore lint/suspicious/noExplicitAny: a callback's hooks take what their caller passes
export type FabricCallback = Record<string, any> | object

/**
 * Runs the method `hook` of each callback that has one, one after another; plain objects among the
 * arguments are cut to what the method declares. What a method returns is dropped; what it
 * throws ends the call. A property of that name that is no function is warned about.
 */
export async function callCallbacks(
  callbacks: readonly FabricCallback[],
  hook: string,
  args: readonly unknown[],
): Promise<void> {
  for (const callback of callbacks) {
    const method = (callback as Record<string, unknown>)[hook]
    if (method === undefined) continue
    if (typeof method !== 'function') {
      const { name } = callback.constructor
      console.warn(`Skipping the callback ${name}.${hook}, because it is a ${typeof method} and not callable.`)
      continue
    }
    await method.apply(callback, declaredArguments(method as never, args))
  }
}

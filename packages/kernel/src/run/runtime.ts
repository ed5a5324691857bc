/** The `$$` of compiled code, put together; also for code that runs outside of a kernel, in a rank. */
import type { CompiledCell } from '../compile/types.ts'
import { Awaits } from './awaits.ts'
import type { Scope } from './scope.ts'
import type { CellRuntime, CellScope } from './types.ts'

/** Loads a module for code that runs; what is not a string is refused as `import()` does. */
export type ImportModule = (specifier: string) => Promise<object>

export function runtimeOf(
  scope: Scope,
  cell: CompiledCell | null,
  awaits: Awaits,
  importModule: ImportModule,
  ambient: Readonly<Record<string, unknown>>,
): CellRuntime {
  return {
    hold: awaits.hold,
    resume: awaits.resume,
    iterate: awaits.iterate,
    import: async (specifier) => importModule(String(specifier)),
    let: scope.declarer(cell, false),
    const: scope.declarer(cell, true),
    ambient,
  }
}

/**
 * `$$` for code that runs in one context from begin to end. `interrupt` makes everything that waits now, or waits
 * later, throw `Interrupted`; `reset` lets a next job wait again. The scope must come from `createScope`.
 */
export function createRuntime(options: {
  scope: CellScope
  importModule: ImportModule
  ambient?: Record<string, unknown>
}): CellRuntime & { interrupt(): void; reset(): void } {
  let job = { stopped: false }
  const awaits = new Awaits({
    current: () => job,
    enter: () => undefined,
    isDead: (context) => (context as typeof job).stopped,
    saw: () => undefined,
  })
  return {
    ...runtimeOf(options.scope as Scope, null, awaits, options.importModule, options.ambient ?? {}),
    interrupt: () => {
      job.stopped = true
      awaits.interrupt()
    },
    reset: () => {
      job = { stopped: false }
    },
  }
}

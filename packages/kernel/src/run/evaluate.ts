/**
 * Turns compiled code into a function and calls it. The one place that knows how a unit is laid out, so that stacks
 * can be read back: line 1 is the kernel's, the cell's code begins on line 2, column 1.
 */
import type { CompiledCell } from '../compile/types.ts'
import type { CellRuntime, CellScope } from './types.ts'

/** Lines of a unit before the cell's own. */
export const UNIT_HEADER_LINES = 1
/** Name of the function around a cell's code, as stacks show it. */
export const UNIT_FUNCTION = '$cell'

type Unit = (...args: unknown[]) => Promise<unknown[] | undefined>

/**
 * Running what a person wrote is what a kernel is for. Called by another name than `eval`, the code sees globals
 * only, and none of this module.
 */
// biome-ignore lint/security/noGlobalEval: see above
const run = globalThis.eval as (code: string) => Unit

/**
 * Runs compiled code on a scope; resolves to `[value]` when the code ends in an expression. `hoists` are the top-level
 * functions that the code declares. Rejects with what the code throws, or with SyntaxError when the engine knows less
 * syntax than the compiler.
 */
export async function evaluateCell(
  code: string,
  sourceUrl: string,
  scope: CellScope,
  runtime: CellRuntime,
  hoists: CompiledCell['hoists'] = [],
): Promise<unknown[] | undefined> {
  const ambient = Object.keys(runtime.ambient)
  const hoisting = hoists.map(({ name, local }) => `$$.let.${name} = ${local};`).join('')
  const header = `(async function ${UNIT_FUNCTION}(${['$', '$$', ...ambient].join(', ')}) {"use strict";${hoisting}`
  const unit = run(`${header}\n${code}\n})\n//# sourceURL=${sourceUrl}`)
  // Called without a `this`, as module code is.
  return unit(scope.values, runtime, ...ambient.map((name) => runtime.ambient[name]))
}

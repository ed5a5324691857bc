/**
 * The kernel of a notebook: cells are compiled, run in one scope, and show what they give out. For a rank:
 * `createScope`, `createRuntime`, `evaluateCell`, `registerCell` and `toCellError` run and explain compiled code
 * without a kernel.
 */

import type { CompiledCell } from './compile/types.ts'
import { Scope } from './run/scope.ts'
import type { CellScope } from './run/types.ts'

export { compileCell } from './compile/cell.ts'
export { CellSyntaxError } from './compile/syntax-error.ts'
export type { CellImport, CompiledCell, CompileOptions, Declaration, DeclarationKind } from './compile/types.ts'
export { toCellError } from './errors/cell-error.ts'
export { registerCell } from './errors/registry.ts'
export { MAGICS, MagicError, parseMagic } from './magics/parse.ts'
export type { Magic, MagicName } from './magics/types.ts'
export {
  type CellError,
  type ChartData,
  type InspectNode,
  type KernelOutput,
  MIME,
  type MimeBundle,
  type PlotCall,
  type PlotSpec,
  type StackFrame,
  type TableData,
  type TensorData,
} from './output.ts'
export { evaluateCell } from './run/evaluate.ts'
export { Interrupted } from './run/interrupted.ts'
export { Kernel } from './run/kernel.ts'
export { createRuntime } from './run/runtime.ts'
export type {
  CellKernel,
  CellRuntime,
  CellScope,
  CompletionItem,
  CompletionList,
  DisplayOptions,
  ExecuteOptions,
  ExecuteResult,
  KernelOptions,
  MagicContext,
} from './run/types.ts'

/** An empty scope over `globals`; `declare` notes which cell names come from. */
export function createScope(globals: Record<string, unknown> = {}): CellScope & { declare(cell: CompiledCell): void } {
  return new Scope(globals)
}

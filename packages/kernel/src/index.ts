/** The kernel of a notebook: cells are compiled, run in one scope and show what they give out. */

import type { CompiledCell, CompileOptions } from './compile/types.ts'
import type { Magic } from './magics/types.ts'
import type { CellError } from './output.ts'
import type { CellKernel, CellRuntime, CellScope, KernelOptions } from './run/types.ts'

export type { CellImport, CompiledCell, CompileOptions, Declaration, DeclarationKind } from './compile/types.ts'
export type { Magic, MagicName } from './magics/types.ts'
export type {
  CellError,
  ChartData,
  InspectNode,
  KernelOutput,
  MimeBundle,
  PlotCall,
  PlotSpec,
  StackFrame,
  TableData,
  TensorData,
} from './output.ts'
export { MIME } from './output.ts'
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

export declare const Kernel: new (options: KernelOptions) => CellKernel
/** Pure. Throws `CellSyntaxError` (a SyntaxError with `line`, `column`, 1-based). */
export declare function compileCell(source: string, options: CompileOptions): CompiledCell
/** Throws a `MagicError` that names the known magics; null when the cell begins with no magic. */
export declare function parseMagic(code: string): Magic | null
/** An empty scope over `globals`; `declare` notes which cell a name comes from. */
export declare function createScope(globals: Record<string, unknown>): CellScope & { declare(cell: CompiledCell): void }
/** `$$` for code that runs outside of a Kernel (a rank). `interrupt` rejects what awaits. */
export declare function createRuntime(options: {
  scope: CellScope
  importModule(specifier: string): Promise<object>
  ambient?: Record<string, unknown>
}): CellRuntime & { interrupt(reason: Error): void }
/** Runs compiled code; resolves to `[value]` when it ends in an expression. Body line 1 is line 2 of the unit. */
export declare function evaluateCell(
  code: string,
  sourceUrl: string,
  scope: CellScope,
  runtime: CellRuntime,
): Promise<unknown[] | undefined>
/** Makes the stacks of this cell's code readable for `toCellError`. */
export declare function registerCell(cell: CompiledCell): void
export declare function toCellError(thrown: unknown): CellError

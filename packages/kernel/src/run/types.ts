/** What the kernel, its scope and its app agree on. Types only. */
import type { Declaration } from '../compile/types.ts'
import type { Magic } from '../magics/types.ts'
import type { CellError, KernelOutput, MimeBundle } from '../output.ts'

/** All top-level names of all cells that have run. */
export interface CellScope {
  /** The `$` of compiled code. Own properties are the cells' names; the kernel's globals are inherited. */
  readonly values: Record<string, unknown>
  /** Which cell declared a name last; null for names that no cell declared. */
  declaration(name: string): Declaration | null
}

/**
 * The `$$` of compiled code: everything that it needs beside its scope. `await e` is compiled to
 * `$$.resume(await $$.hold(e))`, `for await (const x of e)` to `for await (const { value: x } of $$.iterate(e))`,
 * `import(e)` to `$$.import(e)`, and `const x = e` at top level to `$$.const.x = e`.
 */
export interface CellRuntime {
  hold(value: unknown): Promise<Held>
  resume(held: Held): unknown
  iterate(iterable: unknown): AsyncIterable<{ readonly value: unknown }>
  import(specifier: unknown): Promise<object>
  /** Assigning a property declares a name that may be assigned again. */
  readonly let: Record<string, unknown>
  /** Assigning a property declares a name that code cannot assign; running its cell again can. */
  readonly const: Record<string, unknown>
  /** Names that code sees instead of the globals of the same name: `console`, timers. */
  readonly ambient: Readonly<Record<string, unknown>>
}

/** An awaited outcome on its way back into the code that awaits it. Opaque. */
export interface Held {
  readonly context: unknown
  readonly ok: boolean
  readonly value: unknown
}

export interface ExecuteOptions {
  executionId: string
  cellId: string
  cellNumber: number
  code: string
  /** Runs this magic instead of one that `code` may begin with; for modes that send plain cells elsewhere. */
  magic?: Magic
}

export interface ExecuteResult {
  status: 'ok' | 'error' | 'interrupted'
  milliseconds: number
}

/** What a magic that the kernel does not run itself learns about its execution. */
export interface MagicContext {
  executionId: string
  cellId: string
  cellNumber: number
  /** Aborted when the person interrupts. */
  signal: AbortSignal
}

export interface DisplayOptions {
  /** Names the output, so that a later `update` with the same name replaces it. */
  displayId?: string
  update?: boolean
}

export interface KernelOptions {
  /** Loads a module for a cell; rejects with a sentence when the specifier is not allowed or missing. */
  importModule(specifier: string): Promise<object>
  onOutput(executionId: string, output: KernelOutput): void
  /** A value as a MIME bundle, for results and `display`. */
  describe(value: unknown): MimeBundle
  /** A value as text for `console`; the bundle's `text/plain` when absent. */
  text?(value: unknown): string
  /** Names that cells see beside the globals; a cell may redefine them. */
  globals?: Record<string, unknown>
  /** A module whose names `import { … }` may be completed with; null while it is not loaded. */
  moduleForCompletion?(specifier: string): object | null
  /** Runs the `%dist_…` family; its value, when not undefined, is the cell's result. Refused when absent. */
  runMagic?(magic: Magic, context: MagicContext): Promise<unknown>
}

export interface CompletionItem {
  label: string
  /** `variable`, `function`, `class`, `property`, `keyword`, `magic` */
  type: string
  detail: string
}
export interface CompletionList {
  /** Offset where the completed word begins. */
  from: number
  items: CompletionItem[]
}

export interface CellKernel {
  /** Runs are queued one after another; never rejects. */
  execute(request: ExecuteOptions): Promise<ExecuteResult>
  interrupt(): void
  complete(code: string, offset: number): CompletionList
  readonly scope: CellScope
  currentExecution(): string | null
  /** Aborted when the running execution is interrupted. */
  currentSignal(): AbortSignal
  display(value: unknown, options?: DisplayOptions): void
  toCellError(thrown: unknown): CellError
  /** For `unhandledrejection`: shows the error under the cell it belongs to; ignores what an interrupt caused. */
  reportUnhandled(reason: unknown): void
}

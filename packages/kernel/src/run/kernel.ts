/**
 * The kernel: runs cells one after another in one scope and gives out what they print, show, return and throw. Not
 * for: editors, devices, ranks; an app gives modules, values' looks and what the `%dist` magics do.
 */
import { compileCell } from '../compile/cell.ts'
import type { CompiledCell } from '../compile/types.ts'
import { completeCode } from '../complete/complete.ts'
import { noteAwait, toCellError } from '../errors/cell-error.ts'
import { registerCell } from '../errors/registry.ts'
import type { CellError, KernelOutput } from '../output.ts'
import { Awaits } from './awaits.ts'
import { createConsole } from './console.ts'
import { createDisplayFunction, type DisplayFunction } from './display.ts'
import { evaluateCell } from './evaluate.ts'
import { Execution, Executions } from './execution.ts'
import { importAll } from './imports.ts'
import { Interrupted } from './interrupted.ts'
import { runWithMagic } from './magic-runner.ts'
import { runtimeOf } from './runtime.ts'
import { Scope } from './scope.ts'
import { createTimers } from './timers.ts'
import type {
  CellKernel,
  CompletionList,
  DisplayOptions,
  ExecuteOptions,
  ExecuteResult,
  KernelOptions,
} from './types.ts'

/** Frames of a stack, so that a deep library does not push the person's lines out; V8 takes 10 by default. */
const STACK_FRAMES = 50

export class Kernel implements CellKernel {
  readonly scope: Scope
  private readonly executions = new Executions(noteAwait)
  private readonly awaits = new Awaits(this.executions)
  private readonly ambient: Record<string, unknown>
  private readonly show: DisplayFunction
  /** Errors that are under a cell already. */
  private readonly shown = new WeakSet<object>()
  private tail: Promise<unknown> = Promise.resolve()
  private running: Execution | null = null
  /** Grows with each interrupt: what was queued before does not run. */
  private interrupts = 0

  constructor(private readonly options: KernelOptions) {
    const limits = Error as { stackTraceLimit?: number }
    if (limits.stackTraceLimit !== undefined) limits.stackTraceLimit = Math.max(limits.stackTraceLimit, STACK_FRAMES)
    const emit = (output: KernelOutput): void => this.emit(this.executions.current(), output)
    this.show = createDisplayFunction(options.describe, emit)
    this.scope = new Scope({ display: this.show, ...options.globals })
    const text = options.text ?? ((value: unknown) => String(options.describe(value)['text/plain']))
    this.ambient = {
      console: createConsole({
        write: (name, line) => emit({ kind: 'stream', name, text: line }),
        show: this.show,
        clear: () => this.show.clear(),
        text,
      }),
      ...createTimers(this.executions, (error, execution) => this.fail(error, execution)),
    }
  }

  /** Queued behind what runs already. Outputs go to `onOutput` before the promise resolves. */
  execute(request: ExecuteOptions): Promise<ExecuteResult> {
    const queuedAt = this.interrupts
    const result = this.tail.then((): Promise<ExecuteResult> | ExecuteResult =>
      queuedAt === this.interrupts ? this.run(request) : { status: 'interrupted', milliseconds: 0 },
    )
    this.tail = result
    return result
  }

  /** Code that waits throws `Interrupted`, timers end, queued cells do not run. A loop that never awaits goes on. */
  interrupt(): void {
    this.interrupts++
    if (this.running !== null) {
      this.running.interrupted = true
      this.running.controller.abort(new Interrupted())
    }
    for (const execution of this.executions.all()) execution.cancelPending()
    this.awaits.interrupt()
  }

  complete(code: string, offset: number): CompletionList {
    return completeCode(code, offset, this.scope, this.options.moduleForCompletion?.bind(this.options))
  }

  currentExecution(): string | null {
    return this.executions.current()?.id ?? null
  }

  currentSignal(): AbortSignal {
    return (this.executions.current()?.controller ?? new AbortController()).signal
  }

  display(value: unknown, options?: DisplayOptions): void {
    this.show(value, options)
  }

  toCellError(thrown: unknown): CellError {
    return toCellError(thrown)
  }

  reportUnhandled(reason: unknown): void {
    if (reason instanceof Interrupted) return
    const cellId = toCellError(reason).frames.find((frame) => frame.cellId !== null)?.cellId ?? null
    const owner = this.executions.ownerOf(reason, cellId)
    if (owner !== null && !owner.interrupted) this.fail(reason, owner)
  }

  private async run(request: ExecuteOptions): Promise<ExecuteResult> {
    const started = performance.now()
    const execution = new Execution(request.executionId, request.cellId, request.cellNumber)
    this.executions.begin(execution)
    this.running = execution
    let status: ExecuteResult['status'] = 'ok'
    try {
      const value = await runWithMagic(request.code, request.magic, {
        context: { ...request, signal: execution.controller.signal },
        runMagic: this.options.runMagic?.bind(this.options),
        runCell: (code) => this.runCell(code, execution),
        awaits: this.awaits,
        print: (text) => this.emit(execution, { kind: 'stream', name: 'stdout', text }),
        display: (shown) => this.show(shown),
      })
      if (value !== undefined) {
        this.emit(execution, { kind: 'result', data: this.options.describe(value), metadata: {} })
      }
      if (execution.interrupted) status = 'interrupted'
    } catch (error) {
      status = execution.interrupted ? 'interrupted' : 'error'
      this.fail(error, execution)
    } finally {
      execution.settled = true
      this.running = null
    }
    return { status, milliseconds: performance.now() - started }
  }

  /** Value of the cell's last expression; a promise there is awaited, so that its failure is this cell's. */
  private async runCell(code: string, execution: Execution): Promise<unknown> {
    const { cellId, cellNumber } = execution
    const cell = compileCell(code, { cellId, cellNumber, known: (name) => this.scope.isKnown(name) })
    registerCell(cell)
    const importModule = this.options.importModule.bind(this.options)
    const runtime = runtimeOf(this.scope, cell, this.awaits, importModule, this.ambient)
    if (cell.imports.length > 0) await importAll(cell, runtime, this.awaits, importModule)
    this.hoistVars(cell)
    const box = await evaluateCell(cell.code, cell.sourceUrl, this.scope, runtime, cell.hoists)
    const value = box?.[0]
    return isThenable(value) ? this.awaits.resume(await this.awaits.hold(value)) : value
  }

  private hoistVars(cell: CompiledCell): void {
    for (const name of cell.vars) {
      const declaration = cell.declarations.find((candidate) => candidate.name === name) ?? null
      this.scope.define(name, this.scope.has(name) ? this.scope.values[name] : undefined, false, declaration)
    }
  }

  private emit(execution: Execution | null, output: KernelOutput): void {
    if (execution !== null && !execution.superseded) this.options.onOutput(execution.id, output)
  }

  private fail(error: unknown, execution: Execution): void {
    if (typeof error === 'object' && error !== null) {
      if (this.shown.has(error)) return
      this.shown.add(error)
    }
    this.emit(execution, { kind: 'error', error: toCellError(error) })
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

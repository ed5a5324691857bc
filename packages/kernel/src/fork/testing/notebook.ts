/** For tests: a small notebook that runs cells, and ranks in worlds of their own that see nothing of it. */
import { compileCell } from '../../compile/cell.ts'
import type { CompiledCell } from '../../compile/types.ts'
import { registerCell } from '../../errors/registry.ts'
import { evaluateCell } from '../../run/evaluate.ts'
import { createRuntime } from '../../run/runtime.ts'
import { Scope } from '../../run/scope.ts'
import type { CellRuntime } from '../../run/types.ts'
import { type ForkRequest, forkFunction } from '../fork.ts'
import { type RevivedProgram, reviveProgram } from '../revive.ts'
import type { ValueCodec } from '../value-codec.ts'

type Modules = Readonly<Record<string, object>>

let notebooks = 0

export class TestNotebook {
  readonly scope: Scope
  readonly #id = ++notebooks
  #count = 0

  constructor(
    readonly modules: Modules = {},
    globals: Record<string, unknown> = {},
  ) {
    this.scope = new Scope(globals)
  }

  /** Runs a cell; resolves with the value of its last expression. */
  async run(code: string, cellId = 'cell'): Promise<unknown> {
    const cell = this.compile(code, cellId)
    const base = createRuntime({ scope: this.scope, importModule: importer(this.modules) })
    const runtime: CellRuntime = {
      ...base,
      let: this.scope.declarer(cell, false),
      const: this.scope.declarer(cell, true),
    }
    for (const { specifier, names } of cell.imports) {
      const module = (await importer(this.modules)(specifier)) as Record<string, unknown>
      for (const { local, imported } of names) {
        runtime.const[local] = imported === '*' ? module : module[imported]
      }
    }
    return (await evaluateCell(cell.code, cell.sourceUrl, this.scope, runtime, cell.hoists))?.[0]
  }

  compile(code: string, cellId: string): CompiledCell {
    const known = (name: string): boolean => this.scope.isKnown(name)
    const cell = compileCell(code, { cellId: `${cellId}-${this.#id}`, cellNumber: ++this.#count, known })
    registerCell(cell)
    return cell
  }

  /** Forks the value of an expression. */
  async fork(expression: string, args: unknown[] = [], codecs: readonly ValueCodec[] = []): Promise<ArrayBuffer> {
    const fn = (await this.run(expression, 'launch')) as ForkRequest['fn']
    return await forkFunction({ fn, args, scope: this.scope, codecs, call: `launch(${fn.name || 'fn'})` })
  }

  /** Forks, revives in an empty scope and calls. */
  async launch(expression: string, args: unknown[] = [], codecs: readonly ValueCodec[] = []): Promise<unknown> {
    const program = await revive(await this.fork(expression, args, codecs), this.modules, codecs)
    return await program.fn(...program.args)
  }
}

/** A rank's side: a scope that has nothing but `globals`. */
export async function revive(
  bytes: ArrayBuffer,
  modules: Modules = {},
  codecs: readonly ValueCodec[] = [],
  globals: Record<string, unknown> = {},
): Promise<RevivedProgram & { scope: Scope }> {
  const scope = new Scope(globals)
  const importModule = importer(modules)
  const runtime = createRuntime({ scope, importModule })
  return { ...(await reviveProgram(bytes, { scope, runtime, importModule, codecs })), scope }
}

function importer(modules: Modules): (specifier: string) => Promise<object> {
  return async (specifier) => {
    const found = modules[specifier]
    if (found === undefined) throw new Error(`no module ${specifier}`)
    return found
  }
}

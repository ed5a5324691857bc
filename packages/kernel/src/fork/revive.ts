/**
 * Makes a forked program live in another worker: its functions are evaluated from their text at the places where
 * they stood, its modules imported, its values decoded. Not for: running it, or mapping its stacks.
 */

import type { CompiledCell } from '../compile/types.ts'
import type { CellRuntime, CellScope } from '../run/types.ts'
import { Decoder, type Origins } from './decoder.ts'
import { malformed, type Node, type Slot, unpack } from './format.ts'
import type { ProgramCell, ProgramData, Unit } from './program.ts'
import type { ValueCodec } from './value-codec.ts'

export interface ReviveOptions {
  /** An empty scope; its globals are what code sees beside the program's names. */
  scope: CellScope
  runtime: CellRuntime
  importModule(specifier: string): Promise<object>
  codecs?: readonly ValueCodec[]
}

export interface RevivedProgram {
  fn: (...args: unknown[]) => unknown
  args: unknown[]
  /** The program's cells, to be given to `registerCell` so that stacks can be mapped. They have maps and no text. */
  cells: CompiledCell[]
  /** How it was started: `fabric.launch(train)`. */
  call: string
}

/**
 * Revives what `forkFunction` wrote. The program's names are on `scope` afterwards.
 *
 * @throws what imports, codecs and classes' static parts throw
 */
export async function reviveProgram(bytes: ArrayBuffer, options: ReviveOptions): Promise<RevivedProgram> {
  const { table, segments } = unpack(bytes)
  const program = table.program as ProgramData | undefined
  if (program === undefined) throw malformed('a value and no program')
  const { scope, runtime } = options
  const origins = new ProgramOrigins(program, await importAll(table.nodes, options), scope, runtime)
  const decoder = new Decoder(table, segments, options.codecs ?? [], origins)
  await withLazyNames(program, decoder, scope, async () => {
    await decoder.prepare()
    for (const { name, kind, value } of program.names) {
      const target = kind === 'const' || kind === 'import' ? runtime.const : runtime.let
      target[name] = decoder.value(value)
    }
  })
  const fn = decoder.value(program.fn)
  const args = decoder.value(program.args)
  if (typeof fn !== 'function' || !Array.isArray(args)) throw malformed('no function')
  return { fn: fn as RevivedProgram['fn'], args, cells: program.cells.map(stub), call: program.call }
}

/**
 * While classes are evaluated they may read any name: each is made when it is first read. The getters lie beneath the
 * scope and go away again, so that the scope itself keeps plain properties and stays fast.
 */
async function withLazyNames(
  program: ProgramData,
  decoder: Decoder,
  { values }: CellScope,
  work: () => Promise<void>,
): Promise<void> {
  const beneath = Object.getPrototypeOf(values) as object | null
  const lazy = Object.create(beneath) as object
  for (const { name, value } of program.names) {
    Object.defineProperty(lazy, name, { get: () => decoder.value(value) })
  }
  Object.setPrototypeOf(values, lazy)
  try {
    await work()
  } finally {
    Object.setPrototypeOf(values, beneath)
  }
}

async function importAll(nodes: readonly Node[], { importModule }: ReviveOptions): Promise<Map<string, object>> {
  const specifiers = new Set(nodes.flatMap((node) => (node.t === 'import' ? [node.specifier] : [])))
  return new Map(
    await Promise.all([...specifiers].map(async (specifier) => [specifier, await importModule(specifier)] as const)),
  )
}

class ProgramOrigins implements Origins {
  readonly #evaluating = new Set<number>()

  constructor(
    readonly program: ProgramData,
    readonly modules: ReadonlyMap<string, object>,
    readonly scope: CellScope,
    readonly runtime: CellRuntime,
  ) {}

  code(node: Parameters<Origins['code']>[0]): unknown {
    switch (node.t) {
      case 'code':
        return this.#evaluated(node.unit)
      case 'import':
        return follow(this.modules.get(node.specifier), node.path, `The module "${node.specifier}"`)
      case 'global':
        return follow(globalThis, node.path, 'This worker')
      case 'named':
        throw malformed('a name inside of a program')
      default:
        throw malformed(`unknown code: ${String((node satisfies never as Node).t)}`)
    }
  }

  before(node: Node): readonly Slot[] {
    return node.t === 'code' && this.program.units[node.unit]?.isClass === true
      ? this.program.units[node.unit]!.uses
      : []
  }

  #evaluated(index: number): unknown {
    const unit = this.program.units[index]
    if (unit === undefined) throw malformed('a function is missing')
    // A class whose static part uses the class itself through the scope.
    if (this.#evaluating.has(index)) throw new ReferenceError(`Cannot access '${unit.name}' before initialization`)
    this.#evaluating.add(index)
    try {
      const cell = unit.cell === null ? undefined : this.program.cells[unit.cell]
      return evaluateUnit(unit, cell, this.scope, this.runtime)
    } finally {
      this.#evaluating.delete(index)
    }
  }
}

function follow(from: unknown, path: readonly string[], owner: string): unknown {
  let at = from
  for (const key of path) at = (at as Record<string, unknown> | undefined)?.[key]
  if (at === undefined) throw new Error(`${owner} has no "${path.join('.')}" here: it must be the same on all ranks.`)
  return at
}

/**
 * Evaluates a function at the line and column where it stands in its cell's code, under the same address, so that
 * its stack reads as in the kernel. As in cells, the first line of the code is the second of the script.
 */
function evaluateUnit(unit: Unit, cell: ProgramCell | undefined, scope: CellScope, runtime: CellRuntime): unknown {
  const ambient = Object.keys(runtime.ambient)
  const [open, close] = unit.form === 'method' ? ['({', '})'] : ['(', ')']
  const url = cell?.sourceUrl ?? `fork:${encodeURIComponent(unit.name)}`
  const source =
    `(function (${['$', '$$', ...ambient].join(', ')}) { 'use strict'; return ${open}\n` +
    `${'\n'.repeat(unit.line)}${' '.repeat(unit.column)}${unit.text}\n` +
    `${close} })\n//# sourceURL=${url}`
  // biome-ignore lint/security/noGlobalEval: running code of the notebook is what this is for
  const make = globalThis.eval(source) as (...given: unknown[]) => unknown
  const made = make(scope.values, runtime, ...ambient.map((name) => runtime.ambient[name]))
  const value =
    unit.form === 'method' ? (made as Record<PropertyKey, unknown>)[Reflect.ownKeys(made as object)[0]!] : made
  if ((value as { name?: unknown }).name !== unit.name) {
    Object.defineProperty(value, 'name', { value: unit.name, configurable: true })
  }
  return value
}

function stub({ cellId, cellNumber, sourceUrl, map }: ProgramCell): CompiledCell {
  return {
    cellId,
    cellNumber,
    sourceUrl,
    map,
    source: '',
    code: '',
    declarations: [],
    imports: [],
    hoists: [],
    vars: [],
  }
}

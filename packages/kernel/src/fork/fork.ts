/**
 * Finds what a function of the notebook reaches and writes it as a program: functions and classes as code, imports
 * as imports, everything else as the values of this moment. What isn't reached isn't sent.
 */

import type { CompiledCell } from '../compile/types.ts'
import { registeredCells } from '../errors/registry.ts'
import type { CellScope } from '../run/types.ts'
import { Encoder, type Links } from './encoder.ts'
import type { Fields, Node } from './format.ts'
import type { Objection } from './hints.ts'
import { dataProperty, functionKind } from './kinds.ts'
import { CodeLocator, type LocatedCode, lineAndColumn, mapOfLines } from './locate.ts'
import { builtinPath, ModuleIndex } from './module-index.ts'
import { needsOf, type Place, rootPlace } from './place.ts'
import { privateStateObjection } from './private-state.ts'
import type { ProgramCell, ProgramData, Unit } from './program.ts'
import type { ValueCodec } from './value-codec.ts'

export interface ForkRequest {
  /** A function of a cell or of a module that a cell imports. */
  fn: (...args: never[]) => unknown
  /** What it is called with; encoded like any other value. */
  args: readonly unknown[]
  scope: CellScope
  /** More cells whose code functions may come from, beside all that are registered in this worker. */
  cells?: Iterable<CompiledCell>
  codecs?: readonly ValueCodec[]
  /** How the person asked for it, for refusals: `fabric.launch(train)`. */
  call?: string
}

/**
 * Encodes a function with everything that it reaches. All values are taken when this is called; the promise only
 * waits for codecs that read from a device.
 *
 * @returns bytes for `reviveProgram`
 * @throws ForkError naming variable, path, kind, the function that needs it and a way out
 */
export async function forkFunction(request: ForkRequest): Promise<ArrayBuffer> {
  const { fn, args, scope } = request
  const name = labelOf(fn)
  const call = request.call ?? `launch(${name})`
  const links = new ProgramLinks(scope, request.cells ?? [])
  links.allow(fn)
  const encoder = new Encoder(call, request.codecs ?? [], links)
  const fnSlot = encoder.slot(fn, rootPlace(name))
  const argsSlot = encoder.slot(args.slice(), rootPlace('arguments'))
  encoder.drain()
  const program: ProgramData = { call, fn: fnSlot, args: argsSlot, ...links.finish() }
  return await encoder.finish(null, program)
}

class ProgramLinks implements Links {
  readonly #locator: CodeLocator
  readonly #modules = new ModuleIndex()
  /** Functions that may cross: top-level ones, the launched one and classes of instances. */
  readonly #allowed = new Set<object>()
  readonly #units = new Map<object, { index: number; unit: Unit; cell: CompiledCell | null; lines: number }>()
  readonly #names = new Map<string, ProgramData['names'][number]>()

  constructor(
    readonly scope: CellScope,
    cells: Iterable<CompiledCell>,
  ) {
    const sources = new Set<CompiledCell>()
    for (const name of Object.keys(scope.values)) {
      const value = this.#read(name)
      const declaration = scope.declaration(name)
      const origin = declaration?.import
      if (declaration !== null) sources.add(declaration.cell)
      if (origin !== undefined) this.#modules.add(origin.specifier, origin.imported, value)
      if (typeof value === 'function') this.#allowed.add(value)
    }
    for (const cell of cells) sources.add(cell)
    for (const cell of registeredCells()) sources.add(cell)
    // What ran last is found first; of cells of the same number those that declared names of this scope.
    this.#locator = new CodeLocator([...sources].sort((a, b) => b.cellNumber - a.cellNumber))
  }

  allow(value: object): void {
    this.#allowed.add(value)
  }

  resolve(value: object, place: Place, encoder: Encoder): Node | null {
    const imported = this.#modules.find(value)
    if (imported !== undefined) return { t: 'import', ...imported }
    if (typeof value !== 'function') return null
    const path = builtinPath(value)
    if (path !== undefined) return { t: 'global', path }
    if (!this.#allowed.has(value)) return null
    const code = this.#locator.locate(value)
    if (code === null) return encoder.refuse(place, nativeObjection(value))
    const objection = closureObjection(value, code)
    if (objection !== null) encoder.refuse(place, objection)
    const unit = this.#unitOf(value, code, place, encoder)
    const fields = this.#fieldsOf(value, code, place, encoder)
    return { t: 'code', unit, ...(fields === undefined ? {} : { f: fields }) }
  }

  crosses(maker: object): boolean {
    if (!this.#allowed.has(maker) && !this.#locator.isOfCell(maker)) return false
    if (this.#modules.find(maker) !== undefined || builtinPath(maker) !== undefined) return false
    this.#allowed.add(maker)
    return true
  }

  objectionToInstances(maker: object): Objection | null {
    return privateStateObjection(maker)
  }

  /** Names, units and the maps of their cells. */
  finish(): Pick<ProgramData, 'names' | 'units' | 'cells'> {
    const units = [...this.#units.values()]
    const lines = new Map<CompiledCell, Set<number>>()
    for (const { unit, cell, lines: count } of units) {
      if (cell === null) continue
      const used = lines.get(cell) ?? new Set()
      for (let line = 0; line < count; line++) used.add(unit.line + line)
      lines.set(cell, used)
    }
    const used = [...lines.keys()]
    for (const { unit, cell } of units) unit.cell = cell === null ? null : used.indexOf(cell)
    const cells = used.map((cell): ProgramCell => {
      const { cellId, cellNumber, sourceUrl } = cell
      return { cellId, cellNumber, sourceUrl, map: mapOfLines(cell.map, lines.get(cell)!) }
    })
    return { names: [...this.#names.values()], units: units.map(({ unit }) => unit), cells }
  }

  #unitOf(value: object, code: LocatedCode, place: Place, encoder: Encoder): number {
    const known = this.#units.get(value)
    if (known !== undefined) return known.index
    const { text, form, isClass, cell, start, reach } = code
    const at = cell === null ? { line: 0, column: 0 } : lineAndColumn(cell.code, start)
    const name = String(dataProperty(value, 'name') ?? '')
    const unit: Unit = { text, form, isClass, name, cell: null, ...at, uses: [] }
    const index = this.#units.size
    this.#units.set(value, { index, unit, cell, lines: text.split('\n').length })
    const needs = [...needsOf(place), labelOf(value)]
    for (const used of reach.names) this.#reachName(used, needs, encoder)
    if (isClass) unit.uses = [...reach.names].flatMap((used) => this.#names.get(used)?.value ?? [])
    return index
  }

  /** A name that no cell has set is the rank's: a global of the kernel, or an error there as here. */
  #reachName(name: string, needs: readonly string[], encoder: Encoder): void {
    if (this.#names.has(name) || !Object.hasOwn(this.scope.values, name)) return
    const kind = this.scope.declaration(name)?.kind ?? null
    this.#names.set(name, { name, kind, value: encoder.slot(this.#read(name), rootPlace(name, needs)) })
  }

  /** Properties that code did not put there, or changed since. */
  #fieldsOf(value: object, code: LocatedCode, place: Place, encoder: Encoder): Fields | undefined {
    const without = new Set<string>()
    for (const key of code.isClass ? Object.getOwnPropertyNames(value) : []) {
      const property = Object.getOwnPropertyDescriptor(value, key)!
      const member: unknown = property.value
      const isOwnCode =
        typeof member === 'function' &&
        !this.#allowed.has(member) &&
        code.text.includes(Function.prototype.toString.call(member))
      if (!('value' in property) || property.enumerable !== true || isOwnCode) without.add(key)
    }
    return encoder.functionFields(value, place, without)
  }

  /** undefined where the name's declaration has yet to run. */
  #read(name: string): unknown {
    try {
      return this.scope.values[name]
    } catch {
      return undefined
    }
  }
}

/** What a function is called in messages. */
function labelOf(value: object): string {
  const name = dataProperty(value, 'name')
  return typeof name === 'string' && name !== '' ? name : '(anonymous)'
}

function nativeObjection(value: object): Objection {
  const kind = functionKind(value)
  return kind.startsWith('a bound')
    ? { kind, hint: 'Launch the function itself, and pass what it was bound to as arguments.' }
    : { kind, hint: 'It has no source that could be run elsewhere. Call it from a function of a cell instead.' }
}

/** Why code can't run elsewhere: it lives from variables that only one call of a function has. */
function closureObjection(value: object, { reach, cell }: LocatedCode): Objection | null {
  const unknown = cell === null ? [...reach.free].filter((name) => !(name in globalThis)) : []
  const [first, ...others] = [...reach.captured, ...unknown]
  if (first === undefined) return null
  const names = [first, ...others].map((name) => `\`${name}\``).join(', ')
  const plural = others.length > 0
  return {
    kind: `${functionKind(value)} that uses ${names} of the code around it`,
    hint: `Pass ${plural ? 'them as arguments' : 'it as an argument'}, or declare ${plural ? 'them' : 'it'} at the top level of a cell.`,
  }
}

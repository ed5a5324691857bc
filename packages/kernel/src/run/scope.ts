/**
 * The object that holds all top-level names of all cells: plain own data properties, so that loops over them stay as
 * fast as properties are; only a name that is not there meets a trap. Not for local names, which stay variables.
 */
import type { CompiledCell, Declaration } from '../compile/types.ts'
import { hideThisFile } from '../errors/own-files.ts'
import type { CellScope } from './types.ts'

hideThisFile()

/** What `Object.prototype.toString` calls the scope; tells a constant's TypeError from others. */
export const SCOPE_TAG = 'Cells'

export class Scope implements CellScope {
  readonly values: Record<string, unknown>
  private readonly declarations = new Map<string, Declaration>()

  /** `globals` are what cells see beside the real globals; declaring a name hides its global. */
  constructor(private readonly globals: Readonly<Record<string, unknown>> = {}) {
    const missing = new Proxy(Object.create(null), {
      get: (_, name) => this.readMissing(name),
      has: (_, name) => Object.hasOwn(this.globals, name),
      set: (_, name, value, receiver) => this.assignMissing(name, value, receiver),
    })
    this.values = Object.create(missing) as Record<string, unknown>
    Object.defineProperty(this.values, Symbol.toStringTag, { value: SCOPE_TAG })
  }

  declaration(name: string): Declaration | null {
    return this.declarations.get(name) ?? null
  }

  has(name: string): boolean {
    return Object.hasOwn(this.values, name)
  }

  /** Whether compiled code may leave a name as it is: a global of JavaScript that nothing here hides. */
  isKnown(name: string): boolean {
    return name in globalThis && !UNHELPFUL.has(name) && !this.has(name) && !Object.hasOwn(this.globals, name)
  }

  /** A kernel's own global, hidden or not; undefined where there is none. */
  global(name: string): unknown {
    return Object.hasOwn(this.globals, name) ? this.globals[name] : undefined
  }

  /** Names of the kernel's own globals. */
  globalNames(): string[] {
    return Object.keys(this.globals)
  }

  /** Sets a name as its declaration does; a constant can be declared again, but not assigned. */
  define(name: string, value: unknown, constant: boolean, declaration: Declaration | null): void {
    const own = Object.getOwnPropertyDescriptor(this.values, name)
    // Assigning keeps the object in the engine's fast representation where redefining would end it.
    if (own?.writable === true && !constant) this.values[name] = value
    else Object.defineProperty(this.values, name, { value, writable: !constant, enumerable: true, configurable: true })
    if (declaration !== null) this.declarations.set(name, declaration)
  }

  /** Notes where names come from without setting them, for values that come from another scope. */
  declare(cell: CompiledCell): void {
    for (const declaration of cell.declarations) this.declarations.set(declaration.name, declaration)
  }

  /** `$$.let` or `$$.const` of a cell: assigning a property declares it. */
  declarer(cell: CompiledCell | null, constant: boolean): Record<string, unknown> {
    const declarations = new Map(cell?.declarations.map((declaration) => [declaration.name, declaration]))
    return new Proxy(Object.create(null), {
      set: (_, name, value) => {
        this.define(name as string, value, constant, declarations.get(name as string) ?? null)
        return true
      },
    })
  }

  private readMissing(name: string | symbol): unknown {
    if (typeof name === 'symbol') return undefined
    if (Object.hasOwn(this.globals, name)) return this.globals[name]
    throw new ReferenceError(`${name} is not defined`)
  }

  /** Strict code may assign only what exists; a global of the kernel becomes a name of the cells. */
  private assignMissing(name: string | symbol, value: unknown, receiver: object): boolean {
    if (typeof name === 'string' && !Object.hasOwn(this.globals, name)) {
      throw new ReferenceError(`${name} is not defined`)
    }
    return Reflect.defineProperty(receiver, name, { value, writable: true, enumerable: true, configurable: true })
  }
}

/**
 * Globals of pages and workers that people use as names of their own: read without a declaration they would silently
 * be an empty string or the like.
 */
const UNHELPFUL = new Set(['name', 'status', 'event', 'length', 'origin', 'closed', 'parent', 'top', 'find', 'stop'])

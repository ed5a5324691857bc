/** The local names that code inside a cell's functions and blocks sees. null stands for the cell's top level. */

export class LocalScope {
  private readonly names: ReadonlySet<string>

  constructor(
    readonly parent: LocalScope | null,
    names: Iterable<string>,
    /** Whether a `var` below stops here. */
    readonly isFunction = false,
  ) {
    this.names = new Set(names)
  }

  has(name: string): boolean {
    return this.names.has(name)
  }
}

/** Whether a name is bound between this place and the cell's top level. */
export function isLocal(name: string, scope: LocalScope | null): boolean {
  for (let at = scope; at !== null; at = at.parent) if (at.has(name)) return true
  return false
}

/** Whether a `var` at this place makes a top-level name. */
export function varsAreTopLevel(scope: LocalScope | null): boolean {
  for (let at = scope; at !== null; at = at.parent) if (at.isFunction) return false
  return true
}

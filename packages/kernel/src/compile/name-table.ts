/** How each name of one cell is written in its compiled code. Decides names; edits nothing. */
import type { DeclarationKind } from './types.ts'

/** The two free names of compiled code; a cell's own locals of these names get others. */
const RESERVED = ['$', '$$'] as const

export class NameTable {
  private readonly renamed = new Map<string, string>()
  /** Scope names that the code uses other than by declaring them. */
  readonly referenced = new Set<string>()

  constructor(
    code: string,
    /** The cell's own top-level names. */
    readonly declared: ReadonlyMap<string, DeclarationKind>,
    private readonly known: (name: string) => boolean,
  ) {
    for (const name of RESERVED) {
      let other = `${name}_`
      while (code.includes(other)) other += '_'
      this.renamed.set(name, other)
    }
  }

  /** A name bound inside of the cell's functions or blocks. */
  local(name: string): string {
    return this.renamed.get(name) ?? name
  }

  /** A name that nothing inside the cell's functions and blocks binds. */
  free(name: string): string {
    if (!this.isOnScope(name)) return name
    this.referenced.add(name)
    return `$.${name}`
  }

  isOnScope(name: string): boolean {
    return this.declared.has(name) || !this.known(name)
  }

  /** Whether the cell has a binding of this name that throws before its declaration has run. */
  hasDeadZone(name: string): boolean {
    const kind = this.declared.get(name)
    return kind === 'const' || kind === 'let' || kind === 'class'
  }
}

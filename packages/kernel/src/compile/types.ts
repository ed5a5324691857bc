/**
 * What compiling a cell gives. Plain data (it can be posted and cloned), so that a fork can send a cell's code to
 * another worker and stacks from there still point into the person's lines.
 */

export type DeclarationKind = 'function' | 'class' | 'const' | 'let' | 'var' | 'import'

/** One top-level name of one cell, as that cell was compiled. */
export interface Declaration {
  name: string
  kind: DeclarationKind
  cell: CompiledCell
  /**
   * Range of the whole declaring statement in `cell.code` (several names may share it). Functions stand there as
   * plain function declarations, whose name is put on the scope by `cell.hoists`; classes and variables put
   * themselves there. An import's range is empty: it is not code, see `import`.
   */
  start: number
  end: number
  /** Set for imports: where the value comes from; `imported` is `*`, `default` or an export's name. */
  import?: { specifier: string; imported: string }
}

/** A static import of a cell, done before the cell's code runs. */
export interface CellImport {
  specifier: string
  /** `imported` is `*`, `default` or a name. A `typeOnly` name may be missing: the cell uses it as a type at most. */
  names: Array<{ local: string; imported: string; typeOnly: boolean }>
  /** Where the statement is, for errors: 1-based line and column of the cell. */
  line: number
  column: number
}

/**
 * Segments of one line of compiled code, sorted: `[column, sourceLine, sourceColumn]` flat in threes, columns and
 * lines 0-based. A place maps to the last segment at or before it.
 */
export type PositionLine = number[]

export interface CompiledCell {
  cellId: string
  cellNumber: number
  source: string
  /**
   * The body of the cell's function: its only free names are `$` (the scope), `$$` (the runtime) and globals.
   * Evaluate it with `evaluateCell`, which fixes how lines and columns are counted.
   */
  code: string
  map: PositionLine[]
  declarations: Declaration[]
  imports: CellImport[]
  /** Functions of the code, by scope name and by the name they have in `code`, to be put on the scope first. */
  hoists: Array<{ name: string; local: string }>
  /** Names that `var` makes: they exist, undefined, before the code runs, unless the scope has them. */
  vars: string[]
  /** `cell:<cellId>:<cellNumber>`, as stacks show it. */
  sourceUrl: string
}

export interface CompileOptions {
  cellId: string
  cellNumber: number
  /** Whether a name that the cell does not declare stays as it is: a global that no cell and no kernel name hides. */
  known(name: string): boolean
}

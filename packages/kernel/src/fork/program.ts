/** What a forked program consists of beside its values. Plain data, in the table's JSON. */

import type { DeclarationKind, PositionLine } from '../compile/types.ts'
import type { Slot } from './format.ts'

/** A function or class as code. */
export interface Unit {
  /** An expression, or a method of an object literal. */
  text: string
  form: 'expression' | 'method'
  isClass: boolean
  /** The function's `name`. */
  name: string
  /** Index in {@link ProgramData.cells}; null for code that no cell holds. */
  cell: number | null
  /** Where the text stands in the cell's code, 0-based. */
  line: number
  column: number
  /** What a class may use while it is declared: values of the scope's names that occur in it. */
  uses: Slot[]
}

/** What maps stacks of a cell's code to its lines. The cell's text stays at home. */
export interface ProgramCell {
  cellId: string
  cellNumber: number
  sourceUrl: string
  map: PositionLine[]
}

export interface ProgramData {
  /** How it was started: `fabric.launch(train)`. */
  call: string
  fn: Slot
  args: Slot
  names: Array<{ name: string; kind: DeclarationKind | null; value: Slot }>
  units: Unit[]
  cells: ProgramCell[]
}

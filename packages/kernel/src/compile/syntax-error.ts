/** A cell that can't be compiled: one sentence and the place in the cell. Not for errors of running code. */

export class CellSyntaxError extends SyntaxError {
  override readonly name = 'SyntaxError'
  /** 1-based, in the cell as written. */
  readonly line: number
  readonly column: number
  readonly cellId: string
  readonly cellNumber: number

  constructor(message: string, place: { line: number; column: number; cellId: string; cellNumber: number }) {
    super(message)
    this.line = place.line
    this.column = place.column
    this.cellId = place.cellId
    this.cellNumber = place.cellNumber
  }
}

/** Thrown inside of the compiler, at an offset of the transpiled text; `compileCell` gives it a place in the cell. */
export class RefusedSyntax extends Error {
  readonly offset: number

  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

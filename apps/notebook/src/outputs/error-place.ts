/** Where in the cells an error happened. Pure; for the error view and for the mark in the editor. */
import type { CellError, StackFrame } from '@rondo/kernel/output'

/** A place in a cell, 1-based as editors show it. */
export interface ErrorPlace {
  cellId: string
  line: number
  column: number
}

/** The innermost place that is a person's own code, searched through the causes too; null when there is none. */
export function errorPlace(error: CellError): ErrorPlace | null {
  for (const frame of error.frames) {
    const place = framePlace(frame)
    if (place !== null) return place
  }
  return error.cause === null ? null : errorPlace(error.cause)
}

export function framePlace({ cellId, line, column }: StackFrame): ErrorPlace | null {
  return cellId === null ? null : { cellId, line, column }
}

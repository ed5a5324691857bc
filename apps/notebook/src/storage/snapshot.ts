/**
 * A notebook as this browser stores it: the notebook's own shape as JSON, so that Rondo's error frames and display
 * ids survive a reload, which .ipynb has no place for.
 */

import { parseExact } from '../model/nbformat/exact-json.ts'
import type { Notebook } from '../model/notebook.ts'

export function encodeNotebook(notebook: Notebook): string {
  return JSON.stringify(notebook)
}

/** Only ever reads what {@link encodeNotebook} of this or an earlier Rondo wrote. */
export function decodeNotebook(text: string): Notebook {
  return parseExact(text) as Notebook
}

/**
 * The notebook as data: cells, their outputs as nbformat 4.5 keeps them, and metadata that is passed through
 * untouched. Types only; reading and writing files is nbformat's business (nbformat.ts).
 */
import type { CellError, MimeBundle } from '@rondo/kernel/output'

export type CellKind = 'code' | 'markdown' | 'raw'

/** One output under a cell. `error` keeps Rondo's frames beside nbformat's traceback lines. */
export type CellOutput =
  | { kind: 'stream'; name: 'stdout' | 'stderr'; text: string }
  | {
      kind: 'display'
      data: MimeBundle
      metadata: Record<string, unknown>
      /** For updates while the kernel lives; not stored. */
      displayId: string | null
    }
  | { kind: 'result'; data: MimeBundle; metadata: Record<string, unknown>; executionCount: number | null }
  | { kind: 'error'; name: string; message: string; traceback: string[]; error: CellError | null }

export interface Cell {
  readonly id: string
  readonly kind: CellKind
  readonly source: string
  readonly metadata: Readonly<Record<string, unknown>>
  /** File name → MIME bundle, of markdown and raw cells. */
  readonly attachments: Readonly<Record<string, MimeBundle>> | null
  readonly outputs: readonly CellOutput[]
  readonly executionCount: number | null
}

export interface Notebook {
  readonly cells: readonly Cell[]
  readonly metadata: Readonly<Record<string, unknown>>
}

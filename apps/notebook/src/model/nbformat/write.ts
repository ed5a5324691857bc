/**
 * Writes a notebook as nbformat 4.5, in the very form that Jupyter's own writer gives it: sorted keys, one space
 * of indent, texts as lists of lines. Not for: autosave (storage keeps the notebook's own shape).
 */
import type { MimeBundle } from '@rondo/kernel/output'
import type { Cell, CellOutput, Notebook } from '../notebook.ts'
import { stringifyExact } from './exact-json.ts'
import { isLinedMime, toLines } from './lines.ts'
import { NBFORMAT, NBFORMAT_MINOR } from './read.ts'

/** Metadata of a notebook that was made here. */
export const RONDO_METADATA: Readonly<Record<string, unknown>> = {
  kernelspec: { name: 'rondo', display_name: 'Rondo (TypeScript)', language: 'typescript' },
  language_info: { name: 'typescript', mimetype: 'text/typescript', file_extension: '.ts' },
}

/** The text of an .ipynb file. */
export function writeNotebook(notebook: Notebook): string {
  const root = {
    cells: notebook.cells.map(writeCell),
    metadata: notebook.metadata,
    nbformat: NBFORMAT,
    nbformat_minor: NBFORMAT_MINOR,
  }
  return `${stringifyExact(root)}\n`
}

function writeCell({ id, kind, source, metadata, attachments, outputs, executionCount }: Cell): object {
  const common = { id, cell_type: kind, metadata, source: toLines(source) }
  if (kind === 'code') return { ...common, outputs: outputs.map(writeOutput), execution_count: executionCount }
  if (attachments === null) return common
  const bundles = Object.entries(attachments).map(([file, bundle]) => [file, splitBundle(bundle)])
  return { ...common, attachments: Object.fromEntries(bundles) }
}

function writeOutput(output: CellOutput): object {
  switch (output.kind) {
    case 'stream':
      return { output_type: 'stream', name: output.name, text: toLines(output.text) }
    case 'display':
      return { output_type: 'display_data', data: splitBundle(output.data), metadata: output.metadata }
    case 'result':
      return {
        output_type: 'execute_result',
        data: splitBundle(output.data),
        metadata: output.metadata,
        execution_count: output.executionCount,
      }
    case 'error':
      return { output_type: 'error', ename: output.name, evalue: output.message, traceback: output.traceback }
    default:
      return output satisfies never
  }
}

function splitBundle(bundle: MimeBundle): MimeBundle {
  return Object.fromEntries(
    Object.entries(bundle).map(([mime, data]) => [
      mime,
      typeof data === 'string' && isLinedMime(mime) ? toLines(data) : data,
    ]),
  )
}

/**
 * Reads the text of an .ipynb (nbformat 4) into a notebook. What is not as the format says is told in sentences,
 * and the result is then for reading only: writing it would lose something. Not for: salvage.ts's broken JSON.
 */

import type { MimeBundle } from '@rondo/kernel/output'
import { RondoError } from '@rondo/protocol'
import { isCellId, newCellId } from '../cell-id.ts'
import type { Cell, CellKind, CellOutput, Notebook } from '../notebook.ts'
import { parseExact } from './exact-json.ts'
import { fromLines } from './lines.ts'
import { joinBundle, readOutput } from './read-output.ts'
import { salvageCells } from './salvage.ts'
import { isRecord, type Problems, type Unknown } from './unknown.ts'

/** The newest format that this reader knows entirely. */
export const NBFORMAT = 4
export const NBFORMAT_MINOR = 5

export interface ReadNotebook {
  notebook: Notebook
  /** What is wrong with the file, as sentences. Empty: it can be edited and written without loss. */
  problems: readonly string[]
}

const NOT_A_NOTEBOOK = 'Choose an .ipynb file that Jupyter or Rondo wrote.'

/**
 * @throws RondoError `BAD_FILE` when there is nothing to show: no notebook, or a format before 4.
 */
export function readNotebook(text: string): ReadNotebook {
  const problems: string[] = []
  const root = parse(text, problems)
  if (!isRecord(root) || !('nbformat' in root || 'cells' in root)) {
    throw new RondoError('BAD_FILE', `This file is no notebook: it has no list of cells. ${NOT_A_NOTEBOOK}`)
  }
  checkVersion(root, problems)
  if (!Array.isArray(root['cells'])) {
    throw new RondoError(
      'BAD_FILE',
      `This notebook's "cells" is no list, so there is nothing to show. ${NOT_A_NOTEBOOK}`,
    )
  }
  const reader = new CellReader(problems)
  const cells = root['cells'].flatMap((cell: unknown, i) => reader.read(cell, i + 1) ?? [])
  let metadata: Unknown = {}
  if (isRecord(root['metadata'])) metadata = root['metadata']
  else problems.push('The notebook has no metadata; an empty one is shown.')
  unknownKeys(root, ['cells', 'metadata', 'nbformat', 'nbformat_minor'], 'The notebook', problems)
  return { notebook: { cells, metadata }, problems }
}

function parse(text: string, problems: string[]): unknown {
  try {
    return parseExact(text)
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    const cells = salvageCells(text)
    if (cells.length === 0) {
      throw new RondoError(
        'BAD_FILE',
        `This file is not valid JSON (${said}) and no cell could be read. ${NOT_A_NOTEBOOK}`,
      )
    }
    problems.push(`The file is damaged or cut off (${said}). What could be read before the damage is shown.`)
    return { nbformat: NBFORMAT, nbformat_minor: NBFORMAT_MINOR, metadata: {}, cells }
  }
}

function checkVersion(root: Unknown, problems: string[]): void {
  const { nbformat: major, nbformat_minor: minor } = root
  if (typeof major !== 'number') {
    problems.push('The file does not say which version of the notebook format it has.')
  } else if (major < NBFORMAT) {
    throw new RondoError(
      'BAD_FILE',
      `This notebook has format ${major}${typeof minor === 'number' ? `.${minor}` : ''}; Rondo reads 4.0 to ${NBFORMAT}.${NBFORMAT_MINOR}. Open it in Jupyter and save it there once, which brings it up to date.`,
    )
  } else if (major > NBFORMAT || (typeof minor === 'number' && minor > NBFORMAT_MINOR)) {
    problems.push(
      `The file has notebook format ${major}.${String(minor)}, newer than the ${NBFORMAT}.${NBFORMAT_MINOR} that Rondo can write.`,
    )
  }
}

const KINDS: readonly CellKind[] = ['code', 'markdown', 'raw']
const KEYS: Readonly<Record<CellKind, readonly string[]>> = {
  code: ['id', 'cell_type', 'metadata', 'source', 'outputs', 'execution_count'],
  markdown: ['id', 'cell_type', 'metadata', 'source', 'attachments'],
  raw: ['id', 'cell_type', 'metadata', 'source', 'attachments'],
}

class CellReader {
  readonly #ids = new Set<string>()
  readonly #problems: Problems

  constructor(problems: Problems) {
    this.#problems = problems
  }

  read(value: unknown, number: number): Cell | null {
    const name = `Cell ${number}`
    if (!isRecord(value)) {
      this.#problems.push(`${name} is no object and is left out.`)
      return null
    }
    const kind = KINDS.find((known) => known === value['cell_type'])
    if (kind === undefined) {
      this.#problems.push(
        `${name} has the unknown type ${JSON.stringify(value['cell_type'])} and is shown as raw text.`,
      )
    } else {
      unknownKeys(value, KEYS[kind], name, this.#problems)
    }
    const source = fromLines(value['source'])
    if (source === null) this.#problems.push(`${name} has no readable source.`)
    const metadata = value['metadata']
    if (!isRecord(metadata)) this.#problems.push(`${name} has no metadata.`)
    return {
      id: this.#id(value['id']),
      kind: kind ?? 'raw',
      source: source ?? '',
      metadata: isRecord(metadata) ? metadata : {},
      attachments: kind === 'code' ? null : readAttachments(value['attachments'], name, this.#problems),
      outputs: kind === 'code' ? this.#outputs(value['outputs'], name) : [],
      executionCount: kind === 'code' ? readCount(value['execution_count']) : null,
    }
  }

  /** Formats before 4.5 have no ids, and hand-edited files may repeat one: both get a new one, as in Jupyter. */
  #id(value: unknown): string {
    const id = isCellId(value) && !this.#ids.has(value) ? value : newCellId()
    this.#ids.add(id)
    return id
  }

  #outputs(value: unknown, name: string): CellOutput[] {
    if (!Array.isArray(value)) {
      this.#problems.push(`${name} has no list of outputs.`)
      return []
    }
    return value.flatMap((output: unknown, i) => readOutput(output, `Output ${i + 1} of ${name}`, this.#problems) ?? [])
  }
}

function readCount(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) ? value : null
}

function readAttachments(
  value: unknown,
  name: string,
  problems: Problems,
): Readonly<Record<string, MimeBundle>> | null {
  if (value === undefined) return null
  if (!isRecord(value)) {
    problems.push(`${name} has attachments that cannot be read.`)
    return null
  }
  return Object.fromEntries(
    Object.entries(value).map(([file, bundle]) => [file, isRecord(bundle) ? joinBundle(bundle) : {}]),
  )
}

function unknownKeys(value: Unknown, known: readonly string[], name: string, problems: Problems): void {
  const extra = Object.keys(value).filter((key) => !known.includes(key))
  if (extra.length > 0)
    problems.push(`${name} has ${extra.map((key) => `"${key}"`).join(', ')}, which is not part of the format.`)
}

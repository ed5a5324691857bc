/** The file format: a notebook of real Jupyter comes back byte for byte, ours pass the schema, bad ones are told. */
import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blankCell } from '../cell.ts'
import { isCellId } from '../cell-id.ts'
import type { Notebook } from '../notebook.ts'
import { fromLines, toLines } from './lines.ts'
import { readNotebook } from './read.ts'
import { NBFORMAT_4_5 } from './testing/schema.ts'
import { RONDO_METADATA, writeNotebook } from './write.ts'

const JUPYTER = readFileSync(new URL('./testing/from-jupyter.ipynb', import.meta.url), 'utf8')
const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(NBFORMAT_4_5)

function valid(text: string): unknown {
  return validate(JSON.parse(text)) ? true : validate.errors
}

/** A 4.5 file with these cells. */
function file(cells: unknown[], more: object = {}): string {
  return JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells, ...more })
}
const MARKDOWN = { id: 'm1', cell_type: 'markdown', metadata: {}, source: ['hello'] }

describe('lines', () => {
  it('end where Python ends them', () => {
    expect(toLines('a\nb\r\nc\rd\u2028e\u0085')).toEqual(['a\n', 'b\r\n', 'c\r', 'd\u2028', 'e\u0085'])
    expect(toLines('')).toEqual([])
    expect(toLines('\n\n')).toEqual(['\n', '\n'])
  })

  it('join to the text they came from', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => fromLines(toLines(text)) === text))
  })
})

describe('a notebook of real Jupyter', () => {
  it('is a valid 4.5 file, read without a complaint', () => {
    expect(valid(JUPYTER)).toBe(true)
    expect(readNotebook(JUPYTER).problems).toEqual([])
  })

  it('comes back byte for byte', () => {
    expect(writeNotebook(readNotebook(JUPYTER).notebook)).toBe(JUPYTER)
  })

  it('comes back unchanged too when texts were plain strings', () => {
    const flat = JSON.stringify(JSON.parse(JUPYTER), (key, value: unknown) =>
      ['source', 'text', 'text/html'].includes(key) ? (fromLines(value) ?? value) : value,
    )
    expect(writeNotebook(readNotebook(flat).notebook)).toBe(JUPYTER)
  })
})

describe('what Rondo writes', () => {
  const notebook: Notebook = {
    metadata: RONDO_METADATA,
    cells: [
      { ...blankCell('markdown', '# A\n\ntext'), attachments: { 'a.png': { 'image/png': 'aGk=' } } },
      {
        ...blankCell('code', 'const x = 1\nx'),
        executionCount: 2,
        outputs: [
          { kind: 'stream', name: 'stdout', text: 'a\nb' },
          { kind: 'result', data: { 'text/plain': '1' }, metadata: {}, executionCount: 2 },
          {
            kind: 'display',
            data: { 'text/plain': 't', 'application/vnd.rondo.inspect+json': { kind: 'number', text: '1' } },
            metadata: {},
            displayId: 'd1',
          },
          { kind: 'error', name: 'TypeError', message: 'no', traceback: ['TypeError: no'], error: null },
        ],
      },
      blankCell('raw', 'r'),
    ],
  }

  it('passes the schema and reads back the same', () => {
    const text = writeNotebook(notebook)
    expect(valid(text)).toBe(true)
    const back = readNotebook(text)
    expect(back.problems).toEqual([])
    expect(writeNotebook(back.notebook)).toBe(text)
  })

  it('keeps whatever metadata and MIME data a cell has', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.dictionary(fc.string(), fc.jsonValue()),
        (metadata, data) => {
          const outputs = [{ kind: 'display' as const, data: { 'application/json': data }, metadata, displayId: null }]
          const text = writeNotebook({ metadata, cells: [{ ...blankCell(), metadata, outputs }] })
          expect(writeNotebook(readNotebook(text).notebook)).toBe(text)
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('older and odd files', () => {
  it('gives ids where format 4.4 has none, and where two cells share one', () => {
    const { id: _, ...nameless } = MARKDOWN
    const { notebook, problems } = readNotebook(file([nameless, nameless, MARKDOWN, MARKDOWN], { nbformat_minor: 4 }))
    const ids = notebook.cells.map((cell) => cell.id)
    expect(ids.every(isCellId)).toBe(true)
    expect(new Set(ids).size).toBe(4)
    expect(problems).toEqual([])
    expect(valid(writeNotebook(notebook))).toBe(true)
  })

  it('opens a newer format for reading only, and says so', () => {
    const { notebook, problems } = readNotebook(
      file([MARKDOWN, { ...MARKDOWN, cell_type: 'hologram' }], { nbformat_minor: 7 }),
    )
    expect(problems.join('\n')).toMatch(/4\.7, newer than the 4\.5/)
    expect(problems.join('\n')).toMatch(/Cell 2 has the unknown type "hologram"/)
    expect(notebook.cells).toHaveLength(2)
  })

  it.each([
    ['an unknown key of a cell', file([{ ...MARKDOWN, novel: 1 }]), /Cell 1 has "novel"/],
    [
      'an output without a type',
      file([{ cell_type: 'code', metadata: {}, source: '', outputs: [{}] }]),
      /Output 1 of Cell 1/,
    ],
    ['a source that is no text', file([{ ...MARKDOWN, source: 7 }]), /Cell 1 has no readable source/],
    ['a text cut off in the middle', file([MARKDOWN, MARKDOWN]).slice(0, -60), /damaged or cut off/],
  ])('tells of %s and shows the rest', (_, text, sentence) => {
    const { notebook, problems } = readNotebook(text)
    expect(problems.join('\n')).toMatch(sentence)
    expect(notebook.cells.length).toBeGreaterThan(0)
  })

  it.each([
    ['format 3', JSON.stringify({ nbformat: 3, nbformat_minor: 0, worksheets: [] }), /format 3\.0.*Open it in Jupyter/],
    ['no notebook', '{"a": 1}', /no notebook/],
    ['no JSON', 'hello', /not valid JSON/],
    ['an empty file', '', /not valid JSON/],
    ['cells that are no list', '{"nbformat": 4, "cells": 3}', /no list/],
  ])('refuses %s with a sentence', (_, text, sentence) => {
    expect(() => readNotebook(text)).toThrow(
      expect.objectContaining({ code: 'BAD_FILE', message: expect.stringMatching(sentence) }),
    )
  })
})

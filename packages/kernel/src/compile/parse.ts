/** JavaScript of a cell to a syntax tree, and what a cell may not contain. Not for types: those are gone by now. */
import { type Program, parse } from 'acorn'
import { RefusedSyntax } from './syntax-error.ts'

/** Newest syntax that Node 20 and current browsers both run as it is. */
const ECMA_VERSION = 2025

/** Throws RefusedSyntax. Cells are module code: strict, with `await` at top level. */
export function parseCell(code: string): Program {
  let program: Program
  try {
    program = parse(code, { ecmaVersion: ECMA_VERSION, sourceType: 'module' })
  } catch (error) {
    const { message, pos } = error as { message: string; pos?: number }
    if (typeof pos !== 'number') throw error
    throw new RefusedSyntax(explain(message.replace(/ \(\d+:\d+\)$/, ''), code, pos), pos)
  }
  for (const statement of program.body) refuse(statement)
  return program
}

function refuse(statement: Program['body'][number]): void {
  switch (statement.type) {
    case 'ExportAllDeclaration':
    case 'ExportDefaultDeclaration':
    case 'ExportNamedDeclaration':
      throw new RefusedSyntax(
        'export is not needed in a cell: every top-level name is visible to all cells; write the declaration alone',
        statement.start,
      )
    case 'ImportDeclaration':
      if ((statement.attributes ?? []).length > 0) {
        throw new RefusedSyntax('import attributes do not work in cells: fetch the file instead', statement.start)
      }
      return
    default:
      return
  }
}

/** Makes a parser's two words a sentence that names what stands there. */
export function explain(message: string, code: string, offset: number): string {
  if (!/^Unexpected (?:token|character)/.test(message)) return message
  const rest = code.slice(offset).trimStart()
  if (rest === '') return 'The cell ends too early: a bracket, a string or an expression is not complete'
  const token = /^(?:[\p{ID_Start}$_#][\p{ID_Continue}$]*|\d[\w.]*|=>|\.\.\.|.)/u.exec(rest)?.[0] ?? rest.slice(0, 1)
  if (token === '@') return 'Decorators do not work in cells yet: call the decorator as a function'
  const expected = /, expected (.*)$/.exec(message)?.[1]
  return expected === undefined ? `Unexpected ${token}` : `Unexpected ${token}, expected ${expected}`
}

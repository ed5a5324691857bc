/**
 * Finds the code of a living function: JavaScript gives its text, and the cells that ran tell where that text stands
 * and what surrounds it.
 */

import type { AnyNode, Program } from 'acorn'
import { childrenOf } from '../compile/names.ts'
import type { CompiledCell, PositionLine } from '../compile/types.ts'
import { parseBody, type Reach, reachOf } from './reach.ts'

/** A function or class as code. */
export interface LocatedCode {
  /** Its text, an expression or a method of an object literal. */
  text: string
  form: 'expression' | 'method'
  isClass: boolean
  /** The cell that it stands in; null for code that no cell holds, such as what `new Function` made. */
  cell: CompiledCell | null
  /** Offset of the text in the cell's code; 0 without a cell. */
  start: number
  reach: Reach
}

/** Knows the cells that ran, newest first. */
export class CodeLocator {
  readonly #programs = new Map<CompiledCell, Program>()
  readonly #found = new Map<object, LocatedCode | null>()

  constructor(readonly cells: readonly CompiledCell[]) {}

  /** null for functions without a text: built-in and bound ones. Never throws. */
  locate(value: object): LocatedCode | null {
    const known = this.#found.get(value)
    if (known !== undefined) return known
    const found = this.#search(Function.prototype.toString.call(value))
    this.#found.set(value, found)
    return found
  }

  /** Whether a cell holds the code: then a class is a class of the notebook. */
  isOfCell(value: object): boolean {
    return this.locate(value)?.cell != null
  }

  #search(text: string): LocatedCode | null {
    const alone = parseAlone(text)
    if (alone === null) return null
    const { form, isClass } = alone
    for (const cell of this.cells) {
      for (let start = cell.code.indexOf(text); start !== -1; start = cell.code.indexOf(text, start + 1)) {
        const program = this.#program(cell)
        if (program === null) break
        const end = start + text.length
        if (program.body.some((node) => endsFunction(node, start, end))) {
          return { text, form, isClass, cell, start, reach: reachOf(program, start, end) }
        }
      }
    }
    return { text, form, isClass, cell: null, start: 0, reach: alone.reach }
  }

  #program(cell: CompiledCell): Program | null {
    const known = this.#programs.get(cell)
    if (known !== undefined) return known
    try {
      const program = parseBody(cell.code)
      this.#programs.set(cell, program)
      return program
    } catch {
      return null
    }
  }
}

/** Whether a function or class lies between two offsets and ends at the second; a method's key comes before it. */
function endsFunction(node: AnyNode, start: number, end: number): boolean {
  if (node.start >= end || node.end < end) return false
  if (node.start >= start && node.end === end && isFunction(node)) return true
  return childrenOf(node).some((child) => endsFunction(child, start, end))
}

const isFunction = (node: AnyNode): boolean => /^(Function|ArrowFunction|Class)/.test(node.type)

function parseAlone(text: string): { form: LocatedCode['form']; isClass: boolean; reach: Reach } | null {
  for (const form of ['expression', 'method'] as const) {
    const [before, after] = form === 'expression' ? ['(', ')'] : ['({', '})']
    try {
      const program = parseBody(before + text + after)
      const statement = program.body[0]
      const expression = statement?.type === 'ExpressionStatement' ? statement.expression : null
      const isClass = expression?.type === 'ClassExpression'
      if (form === 'expression' && (expression === null || !isFunction(expression as AnyNode))) continue
      return { form, isClass, reach: reachOf(program, before.length, before.length + text.length) }
    } catch {
      // Not in this form; `[native code]` is in none.
    }
  }
  return null
}

/** 0-based line and column of an offset. */
export function lineAndColumn(code: string, offset: number): { line: number; column: number } {
  const lineStart = code.lastIndexOf('\n', offset - 1) + 1
  let line = 0
  for (let at = code.indexOf('\n'); at !== -1 && at < offset; at = code.indexOf('\n', at + 1)) line++
  return { line, column: offset - lineStart }
}

/** The part of a cell's map that belongs to some of its lines; the others are empty. */
export function mapOfLines(map: readonly PositionLine[], lines: ReadonlySet<number>): PositionLine[] {
  const last = Math.max(-1, ...lines)
  return Array.from({ length: last + 1 }, (_, line) => (lines.has(line) ? (map[line] ?? []) : []))
}

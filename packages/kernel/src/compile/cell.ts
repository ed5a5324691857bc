/** Compiles one cell: transpile → parse → find declarations → rewrite → join the maps. Pure; runs nothing. */
import type { ImportDeclaration, Program } from 'acorn'
import MagicString from 'magic-string'
import { NameTable } from './name-table.ts'
import { parseCell } from './parse.ts'
import { joinMaps, lineStarts, placeOfOffset } from './positions.ts'
import { Rewriter } from './rewrite.ts'
import { CellSyntaxError, RefusedSyntax } from './syntax-error.ts'
import { enumDeclarators, importedNames, type TopLevelName, topLevelNames } from './top-level.ts'
import { type Transpiled, TranspileError, transpile } from './transpile.ts'
import type { CellImport, CompiledCell, CompileOptions, Declaration } from './types.ts'

/**
 * Compiles a cell's TypeScript or JavaScript. Throws CellSyntaxError with the place in the cell.
 * Semantics are those of a module whose top-level names outlive it; see `CompiledCell` for what comes out.
 */
export function compileCell(source: string, options: CompileOptions): CompiledCell {
  const { cellId, cellNumber } = options
  const fail = (message: string, line: number, column: number): never => {
    throw new CellSyntaxError(message, { line, column, cellId, cellNumber })
  }
  let transpiled: Transpiled | undefined
  try {
    transpiled = transpile(source)
    return compileTranspiled(source, transpiled, options)
  } catch (error) {
    if (error instanceof TranspileError) return fail(error.message, error.line, error.column)
    if (!(error instanceof RefusedSyntax) || transpiled === undefined) throw error
    const at = placeOfOffset(transpiled.code, error.offset)
    const place = transpiled.toSource(at.line, at.column)
    return fail(error.message, place.line + 1, place.column + 1)
  }
}

function compileTranspiled(source: string, transpiled: Transpiled, options: CompileOptions): CompiledCell {
  const { code } = transpiled
  const program = parseCell(code)
  const top = topLevelNames(program)
  const names = new NameTable(code, new Map(top.map(({ name, kind }) => [name, kind])), options.known)
  const text = new MagicString(code)
  const rewriter = new Rewriter(text, code, names, enumDeclarators(program))
  const last = program.body[program.body.length - 1]
  if (last?.type === 'ExpressionStatement') {
    rewriter.visitList(program.body.slice(0, -1), null)
    rewriter.visit(last, null)
    text.appendRight(last.start, 'return [(')
    text.appendLeft(code[last.end - 1] === ';' ? last.end - 1 : last.end, ')]')
  } else rewriter.visitList(program.body, null)

  const decoded = text.generateDecodedMap({ hires: 'boundary' })
  const starts = lineStarts(code)
  const cell: CompiledCell = {
    cellId: options.cellId,
    cellNumber: options.cellNumber,
    source,
    code: text.toString(),
    map: joinMaps(decoded.mappings, (line, column) => {
      const callee = rewriter.calleeStarts.get((starts[line] ?? 0) + column)
      const place = callee === undefined ? { line, column } : placeOfOffset(code, callee)
      return transpiled.toSource(place.line, place.column)
    }),
    declarations: [],
    imports: importsOf(program, source, transpiled, names),
    hoists: top.filter(({ kind }) => kind === 'function').map(({ name }) => ({ name, local: names.local(name) })),
    vars: top.filter(({ kind }) => kind === 'var').map(({ name }) => name),
    sourceUrl: `cell:${encodeURIComponent(options.cellId)}:${options.cellNumber}`,
  }
  cell.declarations.push(...declarationsOf(cell, program, text, top))
  return cell
}

function declarationsOf(
  cell: CompiledCell,
  program: Program,
  text: MagicString,
  top: readonly TopLevelName[],
): Declaration[] {
  const ranges = statementRanges(program, text)
  const imports = new Map(
    program.body
      .filter((node) => node.type === 'ImportDeclaration')
      .flatMap((node) =>
        importedNames(node).map(({ local, imported }) => [local, { specifier: String(node.source.value), imported }]),
      ),
  )
  return top.map(({ name, kind, statement }) => {
    const range = ranges[statement] ?? { start: 0, end: 0 }
    const from = kind === 'import' ? imports.get(name) : undefined
    if (from === undefined) return { name, kind, cell, ...range }
    return { name, kind, cell, start: range.start, end: range.start, import: from }
  })
}

/** Where each statement of the cell is in the compiled code; what lies between them has not changed. */
function statementRanges(program: Program, text: MagicString): Array<{ start: number; end: number }> {
  let before = 0
  let offset = 0
  return program.body.map((node) => {
    offset += node.start - before
    before = node.end
    const start = offset
    offset += text.snip(node.start, node.end).toString().length
    return { start, end: offset }
  })
}

function importsOf(program: Program, source: string, transpiled: Transpiled, names: NameTable): CellImport[] {
  return program.body
    .filter((node): node is ImportDeclaration => node.type === 'ImportDeclaration')
    .map((node) => {
      const at = placeOfOffset(transpiled.code, node.start)
      const place = transpiled.toSource(at.line, at.column)
      return {
        specifier: String(node.source.value),
        names: importedNames(node).map((name) => ({ ...name, typeOnly: isTypeOnly(name.local, source, names) })),
        line: place.line + 1,
        column: place.column + 1,
      }
    })
}

/** An imported name that the cell writes down again, but never as a value, can only be a type. */
function isTypeOnly(name: string, source: string, names: NameTable): boolean {
  if (names.referenced.has(name)) return false
  const escaped = name.replaceAll('$', '\\$')
  return (source.match(new RegExp(`(?<![\\w$])${escaped}(?![\\w$])`, 'g')) ?? []).length > 1
}

/**
 * TypeScript to JavaScript by sucrase: types away, enums to objects, everything else as written, on the same lines.
 * Its source map has a segment for each token (checked by the tests), which is what error columns rest on.
 */
import { originalPositionFor, TraceMap } from '@jridgewell/trace-mapping'
import { transform } from 'sucrase'
import { type Marked, markEmptyPieces } from './empty-templates.ts'
import { explain } from './parse.ts'
import { lineStarts, type Place } from './positions.ts'

export interface Transpiled {
  code: string
  /** Place in the source, 0-based, of a 0-based place in `code`. */
  toSource(line: number, column: number): Place
}

/** What sucrase found wrong; 1-based place in the source. */
export class TranspileError extends Error {
  readonly line: number
  readonly column: number

  constructor(message: string, line: number, column: number) {
    super(message)
    this.line = line
    this.column = column
  }
}

/** Throws TranspileError. */
export function transpile(source: string): Transpiled {
  const marked = markEmptyPieces(source)
  const result = run(source, marked)
  const code = marked === null ? result.code : marked.unmark(result.code)
  refuseNamespaces(source, code)
  if (result.sourceMap === undefined || code === source) return { code, toSource: (line, column) => ({ line, column }) }
  const map = new TraceMap({ ...result.sourceMap, version: 3 })
  const lookUp = (line: number, column: number): Place => {
    const place = originalPositionFor(map, { line: line + 1, column })
    // Lines never move, so the line is right even where a column has no segment.
    return place.line === null ? { line, column: 0 } : { line: place.line - 1, column: place.column }
  }
  if (marked === null) return { code, toSource: lookUp }
  const compiledLines = result.code.split('\n')
  const sourceLines = marked.text.split('\n')
  const toSource = (line: number, column: number): Place => {
    const place = lookUp(line, marked.toMarked(compiledLines[line] ?? '', column))
    return { line: place.line, column: marked.toUnmarked(sourceLines[place.line] ?? '', place.column) }
  }
  return { code, toSource }
}

function run(source: string, marked: Marked | null): ReturnType<typeof transform> {
  try {
    return transform(marked?.text ?? source, {
      transforms: ['typescript'],
      // Chromium and Node run modern JavaScript as it is.
      disableESTransforms: true,
      // A name that this cell only imports may be used by the next cell.
      keepUnusedImports: true,
      preserveDynamicImport: true,
      filePath: 'cell',
      sourceMapOptions: { compiledFilename: 'cell' },
    })
  } catch (error) {
    const { message, loc } = error as { message: string; loc?: { line: number; column: number } }
    const text = message.replace(/^Error transforming cell: /, '').replace(/ \(\d+:\d+\)$/, '')
    const line = loc?.line ?? 1
    const markedLine = marked?.text.split('\n')[line - 1] ?? ''
    const column = marked?.toUnmarked(markedLine, (loc?.column ?? 1) - 1) ?? (loc?.column ?? 1) - 1
    throw new TranspileError(explain(text, source, (lineStarts(source)[line - 1] ?? 0) + column), line, column + 1)
  }
}

/** sucrase drops namespaces without a word; their code would silently not run. */
function refuseNamespaces(source: string, code: string): void {
  const pattern = /^\s*(?:export\s+)?(?:namespace|module)\s+[\w$.]+\s*\{/
  const compiled = code.split('\n')
  source.split('\n').forEach((text, index) => {
    if (pattern.test(text) && !pattern.test(compiled[index] ?? '')) {
      const column = text.length - text.trimStart().length + 1
      throw new TranspileError(
        'TypeScript namespaces do not work in cells: use an object or a class',
        index + 1,
        column,
      )
    }
  })
}

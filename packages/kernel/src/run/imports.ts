/** The static imports of a cell: loaded side by side before its code runs, their names put on the scope. */
import type { CellImport, CompiledCell } from '../compile/types.ts'
import { notePlace } from '../errors/cell-error.ts'
import type { Awaits } from './awaits.ts'
import type { ImportModule } from './runtime.ts'
import type { CellRuntime } from './types.ts'

/** Exports named in a message that says what a module has. */
const MAX_NAMES = 12

/** Throws what loading a module throws, with the place of the import statement. */
export async function importAll(
  cell: CompiledCell,
  runtime: CellRuntime,
  awaits: Awaits,
  importModule: ImportModule,
): Promise<void> {
  const loading = cell.imports.map((statement) => load(statement, importModule))
  for (const [index, statement] of cell.imports.entries()) {
    try {
      const module = awaits.resume(await awaits.hold(loading[index])) as Record<string, unknown>
      for (const name of statement.names) bind(statement, name, module, runtime)
    } catch (error) {
      // The others go on loading; what becomes of them no longer matters.
      for (const other of loading) other.catch(() => undefined)
      const { line, column } = statement
      notePlace(error, { cellId: cell.cellId, cellNumber: cell.cellNumber, line, column })
      throw error
    }
  }
}

async function load({ specifier }: CellImport, importModule: ImportModule): Promise<object> {
  return importModule(specifier)
}

function bind(
  { specifier }: CellImport,
  { local, imported, typeOnly }: CellImport['names'][number],
  module: Record<string, unknown>,
  runtime: CellRuntime,
): void {
  if (imported === '*') {
    runtime.const[local] = module
    return
  }
  if (imported in module) runtime.const[local] = module[imported]
  // A type of that module: it is gone at run time.
  else if (!typeOnly) throw new SyntaxError(missingExport(specifier, imported, Object.keys(module)))
}

function missingExport(specifier: string, imported: string, names: string[]): string {
  const start = imported.slice(0, 3).toLowerCase()
  const alike = names.filter((name) => name.toLowerCase().startsWith(start))
  const shown = (alike.length > 0 ? alike : names).slice(0, MAX_NAMES).join(', ')
  const has = names.length === 0 ? 'it exports nothing' : `it has ${shown}${names.length > MAX_NAMES ? ' …' : ''}`
  return `'${specifier}' has no export named ${imported}: ${has}`
}

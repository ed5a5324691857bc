/** Runs a cell that may begin with magics: the kernel's own here, the `%dist` family by the app. */
import { notePlace } from '../errors/cell-error.ts'
import { MAGICS, MagicError, parseMagic } from '../magics/parse.ts'
import type { Magic } from '../magics/types.ts'
import type { Awaits } from './awaits.ts'
import { formatMilliseconds } from './console.ts'
import type { MagicContext } from './types.ts'

export interface MagicRun {
  context: MagicContext
  runMagic: ((magic: Magic, context: MagicContext) => Promise<unknown>) | undefined
  runCell(code: string): Promise<unknown>
  awaits: Awaits
  print(text: string): void
  display(value: unknown): void
}

/** Resolves to the cell's value. `given` takes the place of a magic in `code`. */
export async function runWithMagic(code: string, given: Magic | undefined, run: MagicRun): Promise<unknown> {
  const magic = given ?? readMagic(code, run)
  if (magic === null) return run.runCell(code)
  switch (magic.name) {
    case 'magics':
      run.print(MAGICS.map(({ usage, detail }) => `${usage}: ${detail}\n`).join(''))
      return runRest(magic, undefined, run)
    case 'time': {
      const started = performance.now()
      try {
        return await runWithMagic(magic.body, undefined, run)
      } finally {
        run.print(`Took ${formatMilliseconds(performance.now() - started)}\n`)
      }
    }
    case 'distributed':
    case 'rank':
      return callApp(magic, run)
    case 'dist_init':
    case 'dist_mode':
    case 'dist_shutdown':
    case 'dist_status':
    case 'sync':
      return runRest(magic, await callApp(magic, run), run)
    default:
      return magic satisfies never
  }
}

function readMagic(code: string, { context }: MagicRun): Magic | null {
  try {
    return parseMagic(code)
  } catch (error) {
    const line = code.split('\n').findIndex((text) => text.trimStart().startsWith('%')) + 1
    notePlace(error, { cellId: context.cellId, cellNumber: context.cellNumber, line, column: 1 })
    throw error
  }
}

async function callApp(magic: Magic, { runMagic, context, awaits }: MagicRun): Promise<unknown> {
  if (runMagic === undefined) {
    throw new MagicError(`%${magic.name} has no meaning here: it works in cells that the notebook itself runs`)
  }
  return awaits.resume(await awaits.hold(runMagic(magic, context)))
}

/** What stands below a line magic is a cell of its own; then both values are shown. */
async function runRest(magic: Magic, value: unknown, run: MagicRun): Promise<unknown> {
  if (magic.body.trim() === '') return value
  if (value !== undefined) run.display(value)
  return runWithMagic(magic.body, undefined, run)
}

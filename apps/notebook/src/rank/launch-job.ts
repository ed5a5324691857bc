/**
 * A launched function in this rank: made again from its program, called with its Fabric, its value stored. Not for:
 * telling how it ended (program.ts).
 */
import { callLaunched, type RankContext } from '@rondo/fabric'
import { createRuntime, createScope, registerCell } from '@rondo/kernel'
import { encodeValue, reviveProgram } from '@rondo/kernel/fork'
import { valueCodecs } from '../kernel/codecs.ts'
import { deliver } from './deliver.ts'
import { cellGlobals } from './globals.ts'
import type { JobOrder, LaunchJob } from './messages.ts'
import { rankImporter } from './modules.ts'
import type { Outlet } from './outlet.ts'

/** Runs it inside the job's context; resolves with the file of rank 0's encoded value, null on other ranks. */
export async function runLaunch(
  { token }: JobOrder,
  job: LaunchJob,
  context: RankContext,
  outlet: Outlet,
): Promise<string | null> {
  const { files, group, signal } = context
  const program = await files.read(job.file)
  const importModule = rankImporter(token)
  const scope = createScope(cellGlobals((output) => outlet.push(output)))
  const runtime = createRuntime({ scope, importModule })
  // Code that awaits something else than the group hears of the end too.
  signal.addEventListener('abort', () => runtime.interrupt(), { once: true })
  const { fn, args, cells } = await reviveProgram(program.buffer, { scope, runtime, importModule, codecs: valueCodecs })
  for (const cell of cells) registerCell(cell)
  const value = await callLaunched(fn, args)
  if (group.rank !== 0) return null
  const file = `jobs/${job.job}.result.bin`
  const bytes = await encodeValue(value, { codecs: valueCodecs, names: scope.values, call: job.call, label: 'result' })
  await deliver(context, file, new Uint8Array(bytes))
  return file
}

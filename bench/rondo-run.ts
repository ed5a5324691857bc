/** `rondo run` as a person starts it, in a folder of its own and on a free port. Not for: what is measured of it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RondoError, type RunReport } from '@rondo/protocol'
import type { Cleanup } from '../packages/cli/src/process/cleanup.ts'

const ROOT = join(import.meta.dirname, '..')
/** Milliseconds for the command to end by itself after it was asked to. */
const END_MS = 8_000

export interface RondoRun {
  child: ChildProcess
  /** When it was started, in milliseconds since the epoch. */
  startedAt: number
  /** Resolves when it has ended well. @throws INTERNAL with what it said */
  report: Promise<RunReport>
  /** As Ctrl-C does. Resolves when it is gone. */
  stop(): Promise<void>
}

/** @param words after `rondo run`; script paths are relative to the checkout */
export function startRondoRun(
  words: readonly string[],
  {
    cleanup,
    imports = [],
    environment = {},
  }: { cleanup: Cleanup; imports?: string[]; environment?: Record<string, string> },
): RondoRun {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-bench-'))
  cleanup.add(folder, () => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'report.json')
  const program = [join(ROOT, 'scripts/with-dependencies.mjs'), 'rondo', 'run', '--report', file, ...words]
  const args = [...imports.flatMap((path) => ['--import', path]), ...program]
  const startedAt = Date.now()
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, ...environment, INIT_CWD: ROOT, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  const take = (piece: Buffer): void => {
    said += piece.toString('utf8')
  }
  child.stdout?.on('data', take)
  child.stderr?.on('data', take)
  const ended = once(child, 'close')
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null) return
    child.kill('SIGINT')
    const late = setTimeout(() => child.kill('SIGKILL'), END_MS)
    await ended
    clearTimeout(late)
  }
  cleanup.add(child, stop)
  const report = ended.then(() => {
    const written = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as RunReport) : null
    if (written?.status === 'done') return written
    throw new RondoError('INTERNAL', `rondo run did not finish. It said: ${said.slice(-2_000)}`)
  })
  report.catch(() => undefined)
  return { child, startedAt, report, stop }
}

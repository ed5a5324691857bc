/**
 * Runs the `rondo` command as a person would and gives back what it printed, its exit code and its report.
 * Every test gets ports and folders of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RunReport } from '@rondo/protocol'

export const ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)))
const MAIN = join(ROOT, 'packages/cli/src/main.ts')
/** Milliseconds: a run of a few steps, browser start included, takes 5–15 s on two cores. */
const DEFAULT_LIMIT_MS = 90_000

export interface Finished {
  code: number | null
  /** stdout and stderr in order of arrival, without colours. */
  output: string
  report: RunReport | null
}

export interface Running {
  process: ChildProcess
  /** What was printed so far. */
  output(): string
  /** Waits until the output matches; fails with the whole output after `limitMs`. */
  waitFor(pattern: RegExp, limitMs?: number): Promise<RegExpMatchArray>
  finished: Promise<Finished>
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  await new Promise((done) => server.close(done))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Starts `rondo …`; the caller waits for `finished` or ends the process. */
export function startRondo(args: string[], options: { env?: Record<string, string>; cwd?: string } = {}): Running {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  const waiting = new Set<() => void>()
  const take = (piece: Buffer): void => {
    text += piece.toString('utf8')
    for (const look of waiting) look()
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  const finished = new Promise<Finished>((done) => {
    child.on('close', (code) => {
      done({ code, output: text, report: null })
      for (const look of waiting) look()
    })
  })
  return {
    process: child,
    output: () => text,
    finished,
    waitFor: (pattern, limitMs = 60_000) =>
      new Promise((done, fail) => {
        const timer = setTimeout(() => {
          waiting.delete(look)
          fail(new Error(`${pattern} did not appear within ${limitMs} ms in:\n${text}`))
        }, limitMs)
        const look = (): void => {
          const match = text.match(pattern)
          if (!match && child.exitCode === null) return
          clearTimeout(timer)
          waiting.delete(look)
          if (match) done(match)
          else fail(new Error(`rondo ended (${child.exitCode}) before ${pattern} appeared in:\n${text}`))
        }
        waiting.add(look)
        look()
      }),
  }
}

/** Runs `rondo run …` to its end on a free port, and reads its report. */
export async function rondoRun(
  args: string[],
  options: { limitMs?: number; env?: Record<string, string> } = {},
): Promise<Finished> {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-e2e-'))
  const reportFile = join(folder, 'report.json')
  const port = await freePort()
  const running = startRondo(['run', `--main-port=${port}`, `--report=${reportFile}`, ...args], options)
  const limit = setTimeout(() => running.process.kill('SIGTERM'), options.limitMs ?? DEFAULT_LIMIT_MS)
  try {
    const finished = await running.finished
    const report = existsSync(reportFile) ? (JSON.parse(readFileSync(reportFile, 'utf8')) as RunReport) : null
    return { ...finished, report }
  } finally {
    clearTimeout(limit)
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * `bench start`: how long it takes from `rondo run` to the first step of two ranks, and what that time goes to. Not for:
 * how the moments are found (moments.ts).
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { Cleanup } from '../../packages/cli/src/process/cleanup.ts'
import { listenForInterrupts } from '../../packages/cli/src/process/interrupt.ts'
import { within } from '../allreduce/deadline.ts'
import { formatNumber, median } from '../figures.ts'
import { readFlags, readRepetitions } from '../flags.ts'
import { JsonReport } from '../json-report.ts'
import { startRondoRun } from '../rondo-run.ts'
import { type Noted, PARTS, partsOf, type RankMoments } from './moments.ts'

const WANTED_MS = 6_000
const DEFAULT_REPETITIONS = 5
const MAX_REPETITIONS = 50
/** Milliseconds for one run on a machine that is busy with other things, a build of the pages included. */
const RUN_MS = 180_000
/** Milliseconds for the machine to be done with the run before. */
const REST_MS = 1_000

export async function startCommand(words: readonly string[]): Promise<void> {
  const { repetitions: asked, json: file } = readFlags(words, ['repetitions', 'json'])
  const repetitions = asked === undefined ? DEFAULT_REPETITIONS : readRepetitions(asked, MAX_REPETITIONS)
  const json = JsonReport.at(file)
  const interrupt = listenForInterrupts((name) => console.error(`${name}: stopping the run …`))
  const runs: number[][] = []
  try {
    // The first one may have to build, and finds nothing in the system's file cache: it is not counted.
    for (let i = -1; i < repetitions; i++) {
      const parts = await oneRun(interrupt.signal)
      if (i >= 0) runs.push(parts)
      await sleep(REST_MS, undefined, { signal: interrupt.signal })
    }
  } finally {
    interrupt.dispose()
  }
  const totals = runs.map((parts) => parts.reduce((sum, part) => sum + part, 0))
  console.log(`${'until'.padEnd(44)} median ms   worst ms`)
  PARTS.forEach((part, i) => {
    console.log(
      row(
        part,
        runs.map((parts) => parts[i] as number),
      ),
    )
  })
  console.log(row('all of it', totals))
  console.log(`wanted ≤ ${WANTED_MS} ms: ${median(totals) <= WANTED_MS ? 'yes' : 'NO'}, of ${totals.length} runs`)
  json?.write('start', words, null, { parts: PARTS, runs, totals })
}

async function oneRun(signal: AbortSignal): Promise<number[]> {
  const cleanup = new Cleanup()
  const folder = mkdtempSync(join(tmpdir(), 'rondo-bench-start-'))
  cleanup.add(folder, () => rmSync(folder, { recursive: true, force: true }))
  const moments = join(folder, 'moments')
  try {
    const run = startRondoRun(['--devices', '2', 'e2e/scripts/first-step.ts'], {
      cleanup,
      imports: [pathToFileURL(join(import.meta.dirname, 'observe.mjs')).href],
      environment: { RONDO_BENCH_MOMENTS: moments },
    })
    const report = await within(run.report, RUN_MS, 'rondo run', signal)
    const noted = existsSync(moments) ? readFileSync(moments, 'utf8').trim().split('\n') : []
    const ranks = report.ranks.map((rank) => rank.result as RankMoments)
    return partsOf(
      run.startedAt,
      noted.map((line) => JSON.parse(line) as Noted),
      ranks,
    )
  } finally {
    await cleanup.run()
  }
}

function row(what: string, values: readonly number[]): string {
  const cells = [median(values), Math.max(...values)].map((value) => formatNumber(value).padStart(9))
  return `${what.padEnd(44)} ${cells.join('  ')}`
}

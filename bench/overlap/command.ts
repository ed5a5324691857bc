/**
 * `npm run bench -- overlap`: how much of the communication a step waits for, with and without overlap, in one run of
 * `rondo run` with real tabs. Not for: what the ranks do (train.ts).
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RondoError, type RunReport, type StepTimes } from '@rondo/protocol'
import { formatNumber, median } from '../figures.ts'
import { badFlag, readFlags } from '../flags.ts'
import { JsonReport } from '../json-report.ts'
import type { OverlapPlan, OverlapResult } from './plan.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Milliseconds for a whole run; its steps take a second each at most. */
const RUN_LIMIT_MS = 220_000
const PORT = 29_461
const NUMBERS = { width: 96, depth: 4, heads: 4, context: 64, batch: 24, steps: 20, ranks: 2 } as const
const WARM_UP = 4
const PHASES = ['compute', 'readback', 'communication', 'exposedCommunication', 'apply', 'total'] as const

/** `turns` is what no phase is: frames taken and sent between two kernels, above all. Shares are of communication. */
type Medians = Record<(typeof PHASES)[number], number> & {
  turns: number
  exposedShare: number
  exposedOrTurnsShare: number
}

export async function overlapCommand(words: readonly string[]): Promise<void> {
  const flags = readFlags(words, [...(Object.keys(NUMBERS) as Array<keyof typeof NUMBERS>), 'hook', 'carrier', 'json'])
  const json = JsonReport.at(flags.json)
  const number = (name: keyof typeof NUMBERS): number => {
    const value = Number(flags[name] ?? NUMBERS[name])
    if (Number.isInteger(value) && value >= 1) return value
    throw badFlag(`--${name}=${flags[name]}`, 'a whole number above 0 is needed. Correct it, or leave it out.')
  }
  const [width, depth, heads, context, batch, steps] = (
    ['width', 'depth', 'heads', 'context', 'batch', 'steps'] as const
  ).map(number) as [number, number, number, number, number, number]
  const ranks = number('ranks')
  const carrier = flags.carrier ?? 'webrtc'
  const plan: OverlapPlan = { width, depth, heads, context, batch, steps, warmUp: WARM_UP, hook: flags.hook ?? 'fp16' }
  const report = await runRanks(plan, ranks, carrier)
  const results = report.ranks.map(({ result }) => result as OverlapResult)
  const { parameters = 0 } = results[0] ?? {}
  console.log(
    `char transformer, ${parameters} parameters, ${batch} × ${context} characters a rank, ${ranks} ranks over ${carrier}, ${plan.hook}`,
  )
  console.log(
    'ms                 total  compute  readback  apply  turns  communication  exposedCommunication  exposed/communication',
  )
  const ways = [false, true].map((overlap, w) => {
    const perRank = results.map(({ ways: both }) => medians(both[w]?.steps ?? []))
    for (const [rank, figures] of perRank.entries()) console.log(line(overlap, rank, figures))
    const hashes = new Set(results.map(({ ways: both }) => both[w]?.weightsHash))
    return { overlap, ranks: perRank, hashes: [...hashes] }
  })
  const [plain, overlapped] = ways.map(({ ranks: perRank }) => Math.max(...perRank.map(({ total }) => total))) as [
    number,
    number,
  ]
  const same = new Set(ways.flatMap(({ hashes }) => hashes)).size === 1
  console.log(`a step with overlap takes ${formatNumber(overlapped / plain)} × the time of one without`)
  console.log(
    `weights after ${WARM_UP + steps} steps: ${same ? 'the same bytes' : 'NOT the same bytes'} on all ranks both ways`,
  )
  json?.write('overlap', words, null, { plan, carrier, parameters, ways, ratio: overlapped / plain, same })
}

function medians(steps: readonly StepTimes[]): Medians {
  const phases = PHASES.map((phase) => [phase, median(steps.map((times) => times[phase]))])
  const turnsOf = ({ total, compute, readback, exposedCommunication, apply }: StepTimes): number =>
    total - compute - readback - exposedCommunication - apply
  return {
    ...Object.fromEntries(phases),
    turns: median(steps.map(turnsOf)),
    exposedShare: median(steps.map((times) => times.exposedCommunication / times.communication)),
    exposedOrTurnsShare: median(
      steps.map((times) => (times.exposedCommunication + turnsOf(times)) / times.communication),
    ),
  } as Medians
}

function line(overlap: boolean, rank: number, figures: Medians): string {
  const columns = ['total', 'compute', 'readback', 'apply', 'turns', 'communication', 'exposedCommunication'] as const
  const cells = columns.map((column) => formatNumber(figures[column]).padStart(column.length + 2))
  const shares = `${formatNumber(figures.exposedShare)}  (with turns ${formatNumber(figures.exposedOrTurnsShare)})`
  return `overlap ${overlap ? 'on ' : 'off'} rank ${rank}${cells.join('')}  ${shares}`
}

/** Runs the ranks in tabs of one browser; carrier webrtc keeps them from the shorter way. */
async function runRanks(plan: OverlapPlan, ranks: number, carrier: string): Promise<RunReport> {
  const folder = await mkdtemp(join(tmpdir(), 'rondo-bench-'))
  const file = join(folder, 'report.json')
  const run = [
    'run',
    `--main-port=${PORT}`,
    `--devices=${ranks}`,
    `--process-group-backend=${carrier}`,
    '--accelerator=wasm',
  ]
  const words = [...run, `--report=${file}`, 'bench/overlap/train.ts', JSON.stringify(plan)]
  const child = spawn(process.execPath, ['--import', 'tsx', join(ROOT, 'packages/cli/src/main.ts'), ...words], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: RUN_LIMIT_MS,
    // Ctrl-C, so that the run takes its tabs along.
    killSignal: 'SIGINT',
  })
  try {
    const code = await new Promise<number | null>((done) => child.on('close', done))
    if (code === 0) return JSON.parse(await readFile(file, 'utf8')) as RunReport
    throw new RondoError('SCRIPT_FAILED', `The run of the overlap bench ended with ${code}. Its own words are above.`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

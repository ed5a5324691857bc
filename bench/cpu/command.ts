/**
 * `bench cpu`: the wasm accelerator beside PyTorch on the same number of threads, in turns within one run, so that
 * whatever else the machine does touches both. Not for: the work itself (workloads.ts, yardstick.py).
 */
import { Cleanup } from '../../packages/cli/src/process/cleanup.ts'
import { median } from '../figures.ts'
import { badFlag, readCount, readFlags } from '../flags.ts'
import { JsonReport } from '../json-report.ts'
import { openBrowser } from './browser-runner.ts'
import { openNode } from './node-runner.ts'
import type { Runner } from './runner.ts'
import { openTorch } from './torch.ts'
import { PRODUCT_SIZE, WORKLOADS, type WorkloadName } from './workloads.ts'

const PLACES = ['chromium', 'node'] as const
type Place = (typeof PLACES)[number]
const FLAGS = ['workloads', 'in', 'threads', 'rounds', 'repetitions', 'kernels', 'json', 'browser'] as const

/** Untimed repetitions of the first round and of each later one. */
const FIRST_WARM_UP = 30
const WARM_UP = 3
const MOST_THREADS = 64
const MOST_ROUNDS = 1_000
const MOST_REPETITIONS = 10_000

interface Figure {
  workload: WorkloadName
  runner: string
  ms: number
  fastestMs: number
  /** Of the median over PyTorch's; undefined where PyTorch is missing. */
  timesTorch?: number
  gflops?: number
}

export async function cpuCommand(words: readonly string[]): Promise<void> {
  const given = readFlags(words, FLAGS)
  const workloads = pick('workloads', given.workloads ?? WORKLOADS.join(','), WORKLOADS)
  const places = pick('in', given.in ?? 'chromium', PLACES)
  const threads = readCount('threads', given.threads ?? '1', MOST_THREADS)
  const rounds = readCount('rounds', given.rounds ?? '5', MOST_ROUNDS)
  const repetitions = readCount('repetitions', given.repetitions ?? '20', MOST_REPETITIONS)
  const kernels = (given.kernels ?? 'no') === 'yes'
  const json = JsonReport.at(given.json)
  const say = (line: string): void => console.error(line)
  const cleanup = new Cleanup()
  const add = (runner: Runner): Runner => cleanup.add(runner, () => runner.close())
  try {
    const torch = await openTorch(threads, say)
    if (torch !== null) add(torch)
    const open = (place: Place): Promise<Runner> =>
      place === 'node'
        ? openNode(threads, kernels, say)
        : openBrowser({ browser: given.browser, threads, kernels, say })
    const ours: Runner[] = []
    for (const place of places) ours.push(add(await open(place)))
    const figures: Figure[] = []
    console.log('workload     runner                         median ms   fastest   × PyTorch    GFLOP/s')
    for (const workload of workloads) {
      const times = new Map<Runner, number[]>()
      for (let round = 0; round < rounds; round++) {
        const warmUp = round === 0 ? FIRST_WARM_UP : WARM_UP
        for (const runner of [...(torch === null ? [] : [torch]), ...ours]) {
          const ms = await runner.run({ workload, warmUp, repetitions })
          times.set(runner, [...(times.get(runner) ?? []), ...ms])
        }
      }
      const base = torch === null ? undefined : median(times.get(torch) as number[])
      for (const [runner, ms] of times) {
        const figure = figureOf(workload, runner.name, ms, base)
        figures.push(figure)
        console.log(row(figure))
      }
    }
    json?.write('cpu', words, ours.map(({ name }) => name).join(', '), { threads, figures })
  } finally {
    await cleanup.run()
  }
}

function figureOf(workload: WorkloadName, runner: string, times: number[], torchMs: number | undefined): Figure {
  const ms = median(times)
  return {
    workload,
    runner,
    ms,
    fastestMs: Math.min(...times),
    ...(torchMs === undefined ? {} : { timesTorch: ms / torchMs }),
    ...(workload.startsWith('product') ? { gflops: (2 * PRODUCT_SIZE ** 3) / (ms * 1e6) } : {}),
  }
}

function row({ workload, runner, ms, fastestMs, timesTorch, gflops }: Figure): string {
  const number = (value: number | undefined, width: number): string => (value?.toFixed(2) ?? '–').padStart(width)
  return `${workload.padEnd(12)} ${runner.padEnd(30)} ${number(ms, 9)} ${number(fastestMs, 9)} ${number(timesTorch, 11)} ${number(gflops, 10)}`
}

function pick<T extends string>(flag: string, text: string, allowed: readonly T[]): T[] {
  return text.split(',').map((word) => {
    const found = allowed.find((name) => name === word.trim())
    if (found !== undefined) return found
    throw badFlag(`--${flag}=${text}`, `"${word}" is unknown; allowed are ${allowed.join(', ')}. Name one or several.`)
  })
}

/**
 * `bench memory`: what a rank of the MNIST example takes while it trains. Counted is the whole renderer process of its
 * tab: page, rank worker, tfjs, WASM memory, data set and link buffers. Not for: what the rest of the browser takes.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { RondoError } from '@rondo/protocol'
import { Cleanup } from '../../packages/cli/src/process/cleanup.ts'
import { listenForInterrupts } from '../../packages/cli/src/process/interrupt.ts'
import { formatNumber, median, percentile } from '../figures.ts'
import { badFlag, readFlags } from '../flags.ts'
import { JsonReport } from '../json-report.ts'
import { startRondoRun } from '../rondo-run.ts'
import { renderersBelow } from './processes.ts'

const WANTED_MB = 300
const MB = 1e6
/** Milliseconds between two looks. */
const LOOK_MS = 250
const MAX_RANKS = 8
const DEFAULT_SECONDS = 180
const MAX_SECONDS = 600

export async function memoryCommand(words: readonly string[]): Promise<void> {
  const given = readFlags(words, ['ranks', 'seconds', 'json'])
  const ranks = count('ranks', given.ranks ?? '2', MAX_RANKS)
  const seconds = count('seconds', given.seconds ?? String(DEFAULT_SECONDS), MAX_SECONDS)
  if (process.platform !== 'linux') {
    throw new RondoError('UNSUPPORTED', `bench memory reads /proc, which ${process.platform} has not. Run it on Linux.`)
  }
  const json = JsonReport.at(given.json)
  const cleanup = new Cleanup()
  const interrupt = listenForInterrupts((name) => console.error(`${name}: stopping the run …`))
  const perRank: number[] = []
  try {
    const run = startRondoRun(['--devices', String(ranks), 'examples/mnist/train.ts'], { cleanup })
    let isOver = false
    void run.report
      .catch(() => undefined)
      .finally(() => {
        isOver = true
      })
    for (const until = Date.now() + seconds * 1_000; Date.now() < until && !isOver; ) {
      await sleep(LOOK_MS, undefined, { signal: interrupt.signal })
      const renderers = renderersBelow(run.child.pid ?? 0).slice(0, ranks)
      if (renderers.length > 0) perRank.push(renderers.reduce((sum, { bytes }) => sum + bytes, 0) / ranks / MB)
    }
    if (isOver) await run.report
    await run.stop()
  } finally {
    await cleanup.run()
    interrupt.dispose()
  }
  const [middle, peak] = [median(perRank), percentile(perRank, 1)]
  console.log(`renderer memory (PSS) per rank of examples/mnist/train.ts, ${ranks} ranks, ${perRank.length} looks`)
  console.log(`  median ${formatNumber(middle)} MB, peak ${formatNumber(peak)} MB`)
  console.log(`  wanted ≤ ${WANTED_MB} MB: ${peak <= WANTED_MB ? 'yes' : 'NO'} at its peak`)
  json?.write('memory', words, null, { ranks, medianMB: middle, peakMB: peak, looks: perRank })
}

function count(flag: string, text: string, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= 1 && value <= most) return value
  throw badFlag(`--${flag}=${text}`, `an integer from 1 to ${most} is needed. Correct it, or leave it out.`)
}

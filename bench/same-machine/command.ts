/**
 * `bench local`: an all-reduce between two ranks of this machine, beside PyTorch's gloo between two processes, in turns
 * within one run, so that whatever else the machine does touches both. Not for: how a tab measures (allreduce/).
 */
import { Cleanup } from '../../packages/cli/src/process/cleanup.ts'
import { listenForInterrupts } from '../../packages/cli/src/process/interrupt.ts'
import { TabsLab } from '../allreduce/tabs-lab.ts'
import type { World } from '../allreduce/world.ts'
import { formatSize, parseAllReducePlan } from '../arguments.ts'
import { busBandwidth, formatNumber, formatRate, median } from '../figures.ts'
import { badFlag, readFlags } from '../flags.ts'
import { JsonReport } from '../json-report.ts'
import { type Gloo, openGloo } from './gloo.ts'

const FLAGS = ['carriers', 'sizes', 'repetitions', 'json', 'browser'] as const
const RANKS = 2
/** Share of gloo's bus bandwidth that each carrier is to reach. */
const WANTED: Readonly<Record<string, number>> = { shared: 1.5, port: 0.5 }
/** Untimed turns: compilers and memory warm up. */
const WARM_UP = 4
/** Milliseconds that a timed batch should last, so that the start of each is not what is measured. */
const BATCH_MS = 60
const DEFAULT_REPETITIONS = 15

interface Figure {
  carrier: string
  bytes: number
  repetitions: number
  batch: number
  ms: number
  fastestMs: number
  /** Bytes per second, of the median. */
  busBandwidth: number
  gloo: { ms: number; fastestMs: number; busBandwidth: number } | null
  /** Median over the turns of gloo's time over ours. */
  timesGloo: number | null
  wanted: number
}

/** @throws BAD_ARGUMENT for a carrier that does not stay within one browser */
export async function sameMachineCommand(words: readonly string[]): Promise<void> {
  const given = readFlags(words, FLAGS)
  const plan = parseAllReducePlan(
    [
      '--ranks',
      String(RANKS),
      '--sizes',
      given.sizes ?? '4MiB,16MiB',
      '--carriers',
      given.carriers ?? 'shared,port',
    ].concat(given.repetitions === undefined ? [] : ['--repetitions', given.repetitions]),
  )
  const json = JsonReport.at(given.json)
  const cleanup = new Cleanup()
  const say = (line: string): void => console.error(line)
  const interrupt = listenForInterrupts((name) => say(`${name}: closing browser and server …`))
  try {
    const gloo = await openGloo(say)
    if (gloo !== null) cleanup.add(gloo, () => gloo.close())
    const lab = await TabsLab.open({ browser: given.browser, cleanup, signal: interrupt.signal, say })
    const figures: Figure[] = []
    console.log(HEAD)
    for (const carrier of plan.carriers) {
      if (carrier !== 'shared' && carrier !== 'port') {
        throw badFlag(`--carriers=${given.carriers}`, `"${carrier}" leaves the browser; allowed are shared, port.`)
      }
      const world = await lab.world(carrier, RANKS)
      for (const bytes of plan.sizes) {
        const figure = await measure(world, gloo, bytes, plan.repetitions ?? DEFAULT_REPETITIONS, interrupt.signal)
        figures.push(figure)
        console.log(row(figure))
      }
      await world.close()
    }
    json?.write('local', words, `Chromium ${lab.browserVersion}`, { gloo: gloo?.name ?? null, figures })
  } finally {
    await cleanup.run()
    interrupt.dispose()
  }
}

async function measure(
  world: World,
  gloo: Gloo | null,
  bytes: number,
  repetitions: number,
  signal: AbortSignal,
): Promise<Figure> {
  let ms = 0
  for (let turn = 0; turn < WARM_UP; turn++) {
    ms = await world.ring(bytes, 1)
    await gloo?.ring(bytes, 1)
  }
  const batch = Math.max(1, Math.round(BATCH_MS / ms))
  const ours: number[] = []
  const theirs: number[] = []
  for (let turn = 0; turn < repetitions; turn++) {
    signal.throwIfAborted()
    ours.push((await world.ring(bytes, batch)) / batch)
    if (gloo !== null) theirs.push((await gloo.ring(bytes, batch)) / batch)
  }
  const figureOf = (times: number[]) => ({
    ms: median(times),
    fastestMs: Math.min(...times),
    busBandwidth: busBandwidth(RANKS, bytes, median(times)),
  })
  return {
    carrier: world.carrier,
    bytes,
    repetitions,
    batch,
    ...figureOf(ours),
    gloo: gloo === null ? null : figureOf(theirs),
    timesGloo: gloo === null ? null : median(theirs.map((time, turn) => time / ours[turn]!)),
    wanted: WANTED[world.carrier]!,
  }
}

const HEAD = 'carrier      size        ms   fastest  bus bandwidth    gloo ms  bus bandwidth   × gloo   wanted'

function row({ carrier, bytes, ms, fastestMs, busBandwidth: rate, gloo, timesGloo, wanted }: Figure): string {
  return [
    carrier.padEnd(7),
    formatSize(bytes).padStart(8),
    formatNumber(ms).padStart(8),
    formatNumber(fastestMs).padStart(8),
    formatRate(rate).padStart(13),
    (gloo === null ? '–' : formatNumber(gloo.ms)).padStart(9),
    (gloo === null ? '–' : formatRate(gloo.busBandwidth)).padStart(13),
    (timesGloo?.toFixed(2) ?? '–').padStart(7),
    `≥ ${wanted}`.padStart(7),
  ].join('  ')
}

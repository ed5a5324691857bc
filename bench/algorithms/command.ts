/**
 * `bench algorithms`: all-reduces of 2 to 256 ranks on simulated networks, by every algorithm that comes into question,
 * beside the one that the cost model chooses. A virtual clock: the same figures on every machine. Not for: real links.
 */
import { type AllReduceChoice, AllReduceChooser } from '../../packages/collectives/src/all-reduce-choice.ts'
import { SIMULATED_LINKS, simulatedNetwork } from '../../packages/collectives/src/testing/simulated-networks.ts'
import { simulateAllReduce } from '../../packages/collectives/src/testing/simulator.ts'
import { formatSize } from '../arguments.ts'
import { formatNumber, median, percentile } from '../figures.ts'
import { readFlags } from '../flags.ts'
import { JsonReport } from '../json-report.ts'

type Links = keyof typeof SIMULATED_LINKS

/** Machines by their ranks: one a machine, several on each, and unequal ones. */
const MACHINES: ReadonlyArray<readonly [label: string, machines: readonly number[]]> = [
  ['2 × 1', equal(2, 1)],
  ['3 × 1', equal(3, 1)],
  ['4 × 1', equal(4, 1)],
  ['2 × 2', equal(2, 2)],
  ['8 × 1', equal(8, 1)],
  ['4, 2, 2', [4, 2, 2]],
  ['4 × 4', equal(4, 4)],
  ['24 × 1', equal(24, 1)],
  ['8 × 8', equal(8, 8)],
  ['64 × 1', equal(64, 1)],
  ['128 × 1', equal(128, 1)],
  ['32 × 8', equal(32, 8)],
]
const SIZES = [1_024, 65_536, 1_048_576, 16_777_216]
/** Of more ranks than this only every second size: a ring among 256 ranks is 130,000 messages. */
const MANY_RANKS = 64
/** Bytes that all ranks of a simulation hold, about: larger ones are simulated to scale. */
const MAX_SIMULATED_BYTES = 16_777_216
/** Bytes of a message, at least, when everything is scaled down. */
const MIN_MESSAGE_BYTES = 256

interface Row {
  links: Links
  machines: string
  ranks: number
  bytes: number
  chosen: string
  /** Milliseconds, by algorithm. */
  simulated: Record<string, number>
  predictedMs: number
  /** Of the chosen over the fastest. */
  ratio: number
}

export function algorithmsCommand(words: readonly string[]): void {
  const { json: path } = readFlags(words, ['json'])
  const json = JsonReport.at(path)
  const rows: Row[] = []
  console.log('links     machines  size     chosen     ms        fastest          slower by  all, ms')
  for (const links of Object.keys(SIMULATED_LINKS) as Links[]) {
    for (const [machines, ranks] of MACHINES) {
      const many = ranks.reduce((sum, count) => sum + count, 0) > MANY_RANKS
      for (const bytes of SIZES.filter((_, i) => !many || i % 2 === 1)) {
        const row = compare(links, machines, ranks, bytes)
        rows.push(row)
        console.log(format(row))
      }
    }
  }
  const ratios = rows.map((row) => row.ratio)
  console.log(
    `chosen over fastest, ${rows.length} cases: median ${median(ratios).toFixed(2)}, ` +
      `95 % at most ${percentile(ratios, 0.95).toFixed(2)}, worst ${Math.max(...ratios).toFixed(2)}`,
  )
  json?.write('algorithms', words, null, { results: rows })
}

function compare(links: Links, label: string, machines: readonly number[], bytes: number): Row {
  const { topology, classes, messageBytes } = simulatedNetwork(machines, links)
  const ranks = topology.worldSize
  const chooser = new AllReduceChooser(topology, messageBytes, { ...classes.network, classes })
  const scale = scaleFor(2 * bytes * ranks, messageBytes)
  const network = simulatedNetwork(machines, links, scale)
  const simulate = (choice: AllReduceChoice): number => simulateAllReduce(choice, bytes / scale / 4, network).ms
  const chosen = chooser.choose(bytes)
  const simulated: Record<string, number> = {}
  for (const choice of chooser.candidates(bytes)) simulated[nameOf(choice)] = simulate(choice)
  const ratio = simulated[nameOf(chosen)]! / Math.min(...Object.values(simulated))
  const predictedMs = chooser.ms(chosen, bytes)
  return { links, machines: label, ranks, bytes, chosen: nameOf(chosen), simulated, predictedMs, ratio }
}

/** By how much a network is scaled down for so many bytes: the same times, fewer bytes. */
function scaleFor(bytes: number, messageBytes: number): number {
  let scale = 1
  while (bytes / scale > MAX_SIMULATED_BYTES && messageBytes / (2 * scale) >= MIN_MESSAGE_BYTES) scale *= 2
  return scale
}

function nameOf({ algorithm, level }: AllReduceChoice): string {
  return level === undefined ? algorithm : `${algorithm}/${level}`
}

function format({ links, machines, bytes, chosen, simulated, ratio }: Row): string {
  const [fastest] = Object.entries(simulated).sort(([, a], [, b]) => a - b)[0]!
  const all = Object.entries(simulated).map(([name, ms]) => `${name} ${formatNumber(ms)}`)
  return [
    links.padEnd(8),
    machines.padEnd(8),
    formatSize(bytes).padEnd(7),
    chosen.padEnd(17),
    formatNumber(simulated[chosen]!).padEnd(8),
    fastest.padEnd(17),
    ratio.toFixed(2),
    all.join(', '),
  ].join('  ')
}

function equal(machines: number, ranks: number): number[] {
  return new Array<number>(machines).fill(ranks)
}

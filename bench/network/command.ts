/**
 * `bench network`: what a link moves over networks with delay and loss, by the number of its peer connections; a
 * table on standard output, JSON on demand. Not for: how it is measured (lab.ts).
 */
import { loadavg } from 'node:os'
import { Cleanup } from '../../packages/cli/src/process/cleanup.ts'
import { listenForInterrupts } from '../../packages/cli/src/process/interrupt.ts'
import { formatNumber, formatRate, median } from '../figures.ts'
import { JsonReport } from '../json-report.ts'
import { formatPath, type NetworkPlan, parseNetworkPlan } from './arguments.ts'
import { NetworkLab } from './lab.ts'
import type { Connections, Transfer } from './messages.ts'
import { type NetworkPath, proxyCeiling } from './udp-proxy.ts'

/** Milliseconds of which a rate is taken; the median of the measured ones is the figure. */
const PART_MS = 500
/** Milliseconds beyond the transfer that its last bytes may need. */
const REST_MS = 30_000

interface Figures {
  path: string
  connections: Connections
  /** Peer connections of the link when the transfer was over. */
  grownTo: number
  /** Bytes per second: the median of the measured parts. */
  rate: number
  /** Against the same path's first row. */
  ratio: number
  rates: number[]
  roundTripMs: number
  /** Packets lost on this machine because the proxy or a browser could not keep up. */
  overrun: number
}

export async function networkCommand(words: readonly string[]): Promise<void> {
  const plan = parseNetworkPlan(words)
  const json = JsonReport.at(plan.json)
  const cleanup = new Cleanup()
  const interrupt = listenForInterrupts((name) => console.error(`${name}: closing browser and server …`))
  const say = (line: string): void => console.error(line)
  try {
    const ceiling = await proxyCeiling()
    say(`The proxy alone passes ${formatRate(ceiling)}.`)
    const lab = await NetworkLab.open({ browser: plan.browser, cleanup, signal: interrupt.signal, say })
    const results: Figures[] = []
    console.log(
      row(['path', 'connections', 'rate', 'ratio', 'round trip', 'overrun', 'rate of each half second, MB/s']),
    )
    for (const path of plan.paths) {
      let first: number | undefined
      for (const connections of plan.connections) {
        const figures = await measure(lab, plan, path, connections, first)
        first ??= figures.rate
        results.push(figures)
        console.log(tableRow(figures))
      }
    }
    say(`Load of this machine (1 minute): ${(loadavg()[0] as number).toFixed(1)}, partly the bench's own.`)
    json?.write('network', words, `Chromium ${lab.browserVersion}`, { proxyCeiling: ceiling, results })
  } finally {
    await cleanup.run()
    interrupt.dispose()
  }
}

async function measure(
  lab: NetworkLab,
  { seconds }: NetworkPlan,
  path: NetworkPath,
  connections: Connections,
  first: number | undefined,
): Promise<Figures> {
  const ms = (seconds.before + seconds.measured) * 1_000
  const transfer: Transfer = { ms, partMs: PART_MS, timeoutMs: ms + REST_MS }
  const { rates, roundTripMs, overrun, connections: grownTo } = await lab.transfer(path, connections, transfer)
  const rate = median(rates.slice(-(seconds.measured * 1_000) / PART_MS))
  return {
    path: formatPath(path),
    connections,
    grownTo,
    rate,
    ratio: rate / (first ?? rate),
    rates,
    roundTripMs,
    overrun,
  }
}

function tableRow({ path, connections, grownTo, rate, ratio, rates, roundTripMs, overrun }: Figures): string {
  return row([
    path,
    connections === 'auto' ? `auto: ${grownTo}` : String(connections),
    formatRate(rate),
    ratio.toFixed(2),
    `${formatNumber(roundTripMs)} ms`,
    String(overrun),
    rates.map((part) => (part / 1e6).toFixed(1)).join(' '),
  ])
}

const WIDTHS = [12, 11, 11, 6, 10, 7, 0] as const

const row = (cells: string[]): string =>
  cells.map((cell, i) => (i === 0 ? cell.padEnd(WIDTHS[i] as number) : cell.padStart(WIDTHS[i] as number))).join('  ')

/**
 * `bench allreduce`: every carrier, number of ranks and size in turn; a table on standard output, JSON on demand.
 * Not for: what is measured (measure.ts) or where the ranks are (tabs-lab.ts, memory-world.ts).
 */
import { Cleanup } from '../../packages/cli/src/process/cleanup.ts'
import { listenForInterrupts } from '../../packages/cli/src/process/interrupt.ts'
import { type AllReducePlan, type BenchCarrier, formatSize, parseAllReducePlan } from '../arguments.ts'
import { median } from '../figures.ts'
import { JsonReport } from '../json-report.ts'
import { type Figures, measureCase, measureFirst } from './measure.ts'
import { openMemoryWorld } from './memory-world.ts'
import { tableHead, tableRow } from './table.ts'
import { TabsLab } from './tabs-lab.ts'
import type { World } from './world.ts'

export async function allReduceCommand(words: readonly string[]): Promise<void> {
  const plan = parseAllReducePlan(words)
  const json = JsonReport.at(plan.json)
  const cleanup = new Cleanup()
  const interrupt = listenForInterrupts((name) => console.error(`${name}: closing browser and server …`))
  try {
    const { results, browser } = await measureAll(plan, cleanup, interrupt.signal)
    json?.write('allreduce', words, browser, { results })
  } finally {
    await cleanup.run()
    interrupt.dispose()
  }
}

/** Efficiencies of the first all-reduce of several new groups. */
interface FirstFigures {
  carrier: BenchCarrier
  ranks: number
  firsts: number[]
}

async function measureAll(plan: AllReducePlan, cleanup: Cleanup, signal: AbortSignal) {
  const say = (line: string): void => console.error(line)
  let lab: TabsLab | undefined
  const open = async (carrier: BenchCarrier, ranks: number): Promise<World> => {
    if (carrier === 'memory') return openMemoryWorld(ranks)
    lab ??= await TabsLab.open({ browser: plan.browser, cleanup, signal, say })
    return lab.world(carrier, ranks)
  }
  const results: Array<Figures | FirstFigures> = []
  console.log(tableHead())
  for (const carrier of plan.carriers) {
    for (const ranks of plan.ranks) {
      const firsts: number[] = []
      for (let i = 0; i < plan.firsts; i++) {
        const world = await open(carrier, ranks)
        const first = await measureFirst(world, Math.max(...plan.sizes)).finally(() => world.close())
        if (first !== null) firsts.push(first.efficiency)
      }
      if (firsts.length > 0) {
        const efficiency = median(firsts)
        const all = firsts.map((value) => value.toFixed(2)).join(' ')
        console.log(
          `${carrier}, ${ranks} ranks, the first all-reduce of ${formatSize(Math.max(...plan.sizes))} in each of ` +
            `${firsts.length} new groups: ringEfficiency ${efficiency.toFixed(2)} (${all})`,
        )
        results.push({ carrier, ranks, firsts })
      }
      const world = await open(carrier, ranks)
      try {
        for (const bytes of plan.sizes) {
          const figures = await measureCase(world, bytes, plan.repetitions, signal)
          results.push(figures)
          console.log(tableRow(figures))
        }
      } finally {
        await world.close()
      }
    }
  }
  return { results, browser: lab === undefined ? null : `Chromium ${lab.browserVersion}` }
}

/**
 * `bench notebook`: how fast the notebook is for the person in front of it, in a real browser on a real server; a table
 * on standard output, JSON on demand. Not for: how each figure is measured.
 */
import { loadavg } from 'node:os'
import { Cleanup } from '../../packages/cli/src/process/cleanup.ts'
import { listenForInterrupts } from '../../packages/cli/src/process/interrupt.ts'
import { JsonReport } from '../json-report.ts'
import { type NotebookPart, parseNotebookPlan } from './arguments.ts'
import { type Figure, isReached, statisticsOf, tableHead, tableRow } from './figure.ts'
import { NotebookLab } from './lab.ts'
import { measureKeys } from './measure-keys.ts'
import { measureLaunch, measureMnist } from './measure-launch.ts'
import { measureLog } from './measure-log.ts'
import { measurePage, measureSize } from './measure-page.ts'

/** Each measures its part `repetitions` times and tells of every figure. */
const PARTS: Readonly<Record<NotebookPart, (lab: NotebookLab, repetitions: number) => Promise<Figure[]>>> = {
  size: measureSize,
  page: measurePage,
  keys: measureKeys,
  log: measureLog,
  launch: measureLaunch,
  mnist: measureMnist,
}

export async function notebookCommand(words: readonly string[]): Promise<void> {
  const plan = parseNotebookPlan(words)
  const json = JsonReport.at(plan.json)
  const cleanup = new Cleanup()
  const interrupt = listenForInterrupts((name) => console.error(`${name}: closing browser and server …`))
  const loadBefore = loadavg()
  const say = (line: string): void => console.error(line)
  try {
    const lab = await NotebookLab.open({ browser: plan.browser, cleanup, signal: interrupt.signal, say })
    const figures: Figure[] = []
    console.log(tableHead())
    for (const part of plan.parts) {
      for (const figure of await PARTS[part](lab, plan.repetitions)) {
        figures.push(figure)
        console.log(tableRow(figure))
      }
    }
    const [before, after] = [loadBefore, loadavg()].map(([last]) => (last ?? Number.NaN).toFixed(1))
    say(`Load of this machine (1 minute): ${before} before, ${after} after, partly the bench's own.`)
    json?.write('notebook', words, `Chromium ${lab.browserVersion}`, {
      figures: figures.map((figure) => ({ ...figure, ...statisticsOf(figure.values), reached: isReached(figure) })),
    })
  } catch (error) {
    // What fails because everything is being closed is no news.
    interrupt.signal.throwIfAborted()
    throw error
  } finally {
    await cleanup.run()
    interrupt.dispose()
  }
}

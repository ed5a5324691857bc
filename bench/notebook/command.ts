/**
 * `bench notebook`: how fast the notebook is for the person in front of it, in a real browser on a real server; a table
 * on standard output, JSON on demand. Not for: how each figure is measured.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { dirname, resolve } from 'node:path'
import { RondoError } from '@rondo/protocol'
import { Cleanup } from '../../packages/cli/src/process/cleanup.ts'
import { listenForInterrupts } from '../../packages/cli/src/process/interrupt.ts'
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
  if (plan.json !== undefined && !existsSync(dirname(resolve(plan.json)))) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `--json=${plan.json}: there is no folder ${dirname(plan.json)}. Make it first, or name another file.`,
    )
  }
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
    const loads = { before: loadBefore, after: loadavg() }
    const [before, after] = [loads.before, loads.after].map(([last]) => (last ?? Number.NaN).toFixed(1))
    say(`Load of this machine (1 minute): ${before} before, ${after} after, partly the bench's own.`)
    if (plan.json === undefined) return
    const report = {
      benchmark: 'notebook',
      command: ['npm run bench -- notebook', ...words].join(' '),
      at: new Date().toISOString(),
      machine: {
        processor: cpus()[0]?.model ?? 'unknown',
        cores: cpus().length,
        memoryBytes: totalmem(),
        platform: `${process.platform} ${process.arch}`,
        node: process.version,
        browser: `Chromium ${lab.browserVersion}`,
      },
      /** 1, 5 and 15 minutes. */
      loadAverages: loads,
      figures: figures.map((figure) => ({ ...figure, ...statisticsOf(figure.values), reached: isReached(figure) })),
    }
    writeFileSync(plan.json, `${JSON.stringify(report, null, 2)}\n`)
    say(`Figures are in ${plan.json}.`)
  } catch (error) {
    // What fails because everything is being closed is no news.
    interrupt.signal.throwIfAborted()
    throw error
  } finally {
    await cleanup.run()
    interrupt.dispose()
  }
}

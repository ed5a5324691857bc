/** What a cell that prints very much does to the page. Not for: how lines are drawn. */
import type { Figure } from './figure.ts'
import type { NotebookLab } from './lab.ts'
import type { NotebookTab } from './tab.ts'

const LINES = 100_000
const CELL = `for (let i = 0; i < ${LINES}; i++) console.log(\`line \${i}: loss \${(1 / (1 + i)).toFixed(6)}\`)`
const LIMIT_MS = 120_000

export async function measureLog(lab: NotebookLab, repetitions: number): Promise<Figure[]> {
  const shown: number[] = []
  const longest: number[] = []
  const toTop: number[] = []
  const toEnd: number[] = []
  for (let i = 0; i < repetitions; i++) {
    await lab.inFreshTab(async (tab) => {
      await tab.cells(CELL)
      await tab.select(0)
      let began = Number.NaN
      await tab.ends(
        0,
        async () => {
          await tab.page.keyboard.press('Control+Enter')
          began = (await tab.clock()).pressedAt
        },
        LIMIT_MS,
      )
      const took = await seen(tab, `line ${LINES - 1}:`)
      shown.push(took)
      await tab.page.getByRole('log').focus()
      await tab.page.keyboard.press('Home')
      toTop.push(await seen(tab, 'line 0:'))
      await tab.page.keyboard.press('End')
      toEnd.push(await seen(tab, `line ${LINES - 1}:`))
      // The browser tells of long tasks some time after them.
      const tasks = (await tab.clock()).longTasks.filter(
        ({ startedAt }) => startedAt >= began && startedAt <= began + took,
      )
      longest.push(Math.max(0, ...tasks.map(({ milliseconds }) => milliseconds)))
    })
  }
  const count = LINES.toLocaleString('en')
  return [
    { what: `${count} lines: from Run to the last line in sight`, unit: 'ms', values: shown },
    { what: `${count} lines: longest task of the page (0: none of 50)`, unit: 'ms', values: longest },
    { what: `${count} lines: Home key to the first line in sight`, unit: 'ms', values: toTop },
    { what: `${count} lines: End key to the last line in sight`, unit: 'ms', values: toEnd },
  ]
}

/** Milliseconds from the last key to the frame in which this line is in the log and within its box. */
async function seen(tab: NotebookTab, text: string): Promise<number> {
  const handle = await tab.page.waitForFunction(
    (text) => {
      const box = document.querySelector('[role="log"]')?.getBoundingClientRect()
      const line = [...document.querySelectorAll('.log-line')].find((line) => line.textContent?.includes(text))
      if (box === undefined || line === undefined) return null
      const { top, bottom } = line.getBoundingClientRect()
      return bottom > box.top && top < box.bottom ? performance.now() - benchClock.pressedAt : null
    },
    text,
    { polling: 'raf' },
  )
  return (await handle.jsonValue()) ?? Number.NaN
}

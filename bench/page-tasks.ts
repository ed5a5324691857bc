/**
 * How long the join page's main thread is ever busy while its rank trains on MNIST: the browser's own long-task
 * entries (tasks of 50 ms and more), from two windows that people would have joined by hand.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RondoError } from '@rondo/protocol'
import type { Page } from 'playwright-core'
import { findBrowser } from '../packages/cli/src/browser/find.ts'
import { machineSearch } from '../packages/cli/src/browser/install.ts'
import { launchBrowser } from '../packages/cli/src/browser/launch.ts'
import { newWindow } from '../packages/cli/src/browser/new-window.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** Milliseconds for one epoch of MNIST on a slow machine. */
const TRAINING_LIMIT_MS = 400_000
/** Milliseconds for anything else. */
const STEP_LIMIT_MS = 60_000

interface LongTask {
  startedAt: number
  milliseconds: number
}

/** Trains one epoch over two windows and prints the longest main-thread tasks of each page. */
export async function pageTasksCommand(): Promise<void> {
  const rondo = [
    join(ROOT, 'packages/cli/src/main.ts'),
    'serve',
    '--main-port=29431',
    'examples/mnist/train.ts',
    '--epochs',
    '1',
  ]
  const serve = spawn(process.execPath, ['--import', 'tsx', ...rondo], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const browser = await launchBrowser({
    executablePath: await findBrowser(undefined, machineSearch(console.error)),
    headed: false,
    softwareWebGpu: false,
  })
  try {
    const url = await joinUrlOf(serve.stdout)
    const pages: Page[] = []
    for (let i = 0; i < 2; i++) {
      const page = await newWindow(browser.context)
      await page.addInitScript(watchLongTasks)
      await page.goto(url)
      await page.getByTestId('join').click({ timeout: STEP_LIMIT_MS })
      await page.getByTestId('my-rank').waitFor({ timeout: STEP_LIMIT_MS })
      pages.push(page)
    }
    await pages[0]?.getByTestId('start-run').click()
    await pages[0]?.getByText('Training').first().waitFor({ timeout: STEP_LIMIT_MS })
    const trainingSince = await Promise.all(pages.map((page) => page.evaluate(() => performance.now())))
    await pages[0]?.getByTestId('result').waitFor({ timeout: TRAINING_LIMIT_MS })
    for (const [i, page] of pages.entries()) {
      const tasks = await page.evaluate(() => (window as unknown as { longTasks: LongTask[] }).longTasks)
      const during = tasks
        .filter(({ startedAt }) => startedAt > (trainingSince[i] ?? 0))
        .map((task) => task.milliseconds)
      const before = tasks.length - during.length
      console.log(
        `page ${i}: ${during.length} tasks of 50 ms or more while training, longest ${Math.max(0, ...during).toFixed(0)} ms` +
          ` (${before} before training began)`,
      )
    }
  } finally {
    await browser.close()
    serve.kill('SIGINT')
  }
}

/** Runs in the page before anything else. */
function watchLongTasks(): void {
  const tasks: LongTask[] = []
  Object.assign(window, { longTasks: tasks })
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries())
      tasks.push({ startedAt: startTime, milliseconds: duration })
  }).observe({ type: 'longtask', buffered: true })
}

function joinUrlOf(stdout: NodeJS.ReadableStream): Promise<string> {
  return new Promise((found, failed) => {
    let text = ''
    const deadline = setTimeout(() => {
      failed(
        new RondoError('TIMEOUT', `rondo serve printed no join URL within ${STEP_LIMIT_MS / 1000} s. It said: ${text}`),
      )
    }, STEP_LIMIT_MS)
    stdout.on('data', (piece: Buffer) => {
      text += piece.toString('utf8')
      const url = text.match(/http:\/\/localhost:\d+\S+#token=\S+/)?.[0]
      if (url === undefined) return
      clearTimeout(deadline)
      found(url)
    })
  })
}

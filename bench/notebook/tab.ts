/** One notebook in one page, driven as a person drives it: files, keys and clicks. Not for: clocks (page-clock.ts). */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserContext, Locator, Page } from 'playwright-core'

/** Milliseconds for whatever is not a training, on a machine busy with other things. */
const STEP_MS = 60_000

export class NotebookTab {
  readonly page: Page

  private constructor(page: Page) {
    this.page = page
  }

  /** Opens the first page of the notebooks. */
  static async open(context: BrowserContext, link: string): Promise<NotebookTab> {
    const page = await context.newPage()
    page.setDefaultTimeout(STEP_MS)
    await page.goto(link)
    await page.waitForFunction(() => benchClock.homeUsable !== null)
    return new NotebookTab(page)
  }

  /** Opens these code cells as a file that the reader trusts, and waits for the kernel. */
  async cells(...sources: string[]): Promise<void> {
    const cells = sources.map((source, i) => ({
      cell_type: 'code',
      id: `cell-${i}`,
      metadata: {},
      source,
      execution_count: null,
      outputs: [],
    }))
    const text = JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells })
    const [chooser] = await Promise.all([
      this.page.waitForEvent('filechooser'),
      this.page.getByRole('button', { name: 'Open .ipynb' }).click(),
    ])
    await chooser.setFiles({ name: 'bench.ipynb', mimeType: 'application/json', buffer: Buffer.from(text) })
    await this.page.getByRole('button', { name: 'Trust and allow running' }).click()
    await this.idle()
  }

  /** Starts one of the examples of the first page, by words of its title. */
  async example(title: string): Promise<void> {
    await this.page.getByRole('button', { name: title }).click()
    await this.idle()
  }

  async idle(): Promise<void> {
    await this.page.getByTestId('kernel-state').getByText('idle').waitFor()
  }

  cell(index: number): Locator {
    return this.page.getByTestId('cell').nth(index)
  }

  output(index: number): Locator {
    return this.cell(index).getByTestId('outputs')
  }

  /** Selects a cell, so that Run runs it. */
  async select(index: number): Promise<void> {
    await this.cell(index).getByTestId('prompt').click()
  }

  /** Runs a cell to its end by Ctrl-Enter. Throws what the cell shows as an error. */
  async run(index: number, limitMs = STEP_MS): Promise<void> {
    await this.select(index)
    await this.ends(index, () => this.page.keyboard.press('Control+Enter'), limitMs)
  }

  /** Starts a cell by `start`, and waits until it has ended. */
  async ends(index: number, start: () => Promise<void>, limitMs = STEP_MS): Promise<void> {
    const number = this.cell(index).locator('.cell-number')
    const before = await number.textContent()
    await start()
    await this.page.waitForFunction(
      ([element, before]) => element?.textContent !== before && /\d/.test(element?.textContent ?? ''),
      [await number.elementHandle(), before] as const,
      { timeout: limitMs, polling: 'raf' },
    )
    const error = this.cell(index).getByTestId('error')
    if ((await error.count()) > 0) throw new Error(`cell ${index} failed: ${await error.first().textContent()}`)
  }

  /** The clock of this page, as it stands. */
  clock(): Promise<typeof benchClock> {
    return this.page.evaluate(() => benchClock)
  }
}

/** The position of the cell of an example that has this in its text. */
export function cellWith(id: string, text: string): number {
  const path = join(import.meta.dirname, '../../apps/notebook/examples', `${id}.ipynb`)
  const { cells } = JSON.parse(readFileSync(path, 'utf8')) as { cells: Array<{ source: string[] }> }
  return cells.findIndex(({ source }) => source.join('').includes(text))
}

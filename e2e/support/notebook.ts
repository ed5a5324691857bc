/** The notebook as a person has it: `rondo serve`, the printed link in a real browser, cells that are run and read. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, expect, type Locator, type Page } from '@playwright/test'
import { freePort, ROOT, type Running, startRondo } from './rondo.ts'

/** Milliseconds for a cell that computes something small. */
const CELL_LIMIT_MS = 20_000

export interface NotebookServer {
  running: Running
  /** The notebook's link with its tokens. */
  link: string
  /** The link by which others take part. */
  joinLink: string
  close(): Promise<void>
}

export async function serveNotebook(options: { args?: string[]; folder?: string } = {}): Promise<NotebookServer> {
  const running = startRondo(['serve', `--main-port=${await freePort()}`, '--no-open', ...(options.args ?? [])], {
    // As npm tells where the person called it from.
    ...(options.folder === undefined ? {} : { env: { INIT_CWD: options.folder } }),
  })
  const [link] = await running.waitFor(/http:\/\/localhost:\d+\/notebook\/\S+#control=\S+/, 120_000)
  const [joinLink] = await running.waitFor(/http:\/\/localhost:\d+\/join\/\S+#token=\S+/)
  return {
    running,
    link,
    joinLink,
    async close() {
      running.process.kill('SIGINT')
      await running.finished
    },
  }
}

export interface Cell {
  kind?: 'code' | 'markdown'
  source: string
}

/** The text of one of the notebooks that the first page offers. */
export function exampleCells(id: string): Cell[] {
  const path = join(ROOT, 'apps/notebook/examples', `${id}.ipynb`)
  const { cells } = JSON.parse(readFileSync(path, 'utf8')) as {
    cells: Array<{ cell_type: 'code' | 'markdown'; source: string[] }>
  }
  return cells.map((cell) => ({ kind: cell.cell_type, source: cell.source.join('') }))
}

/** One open notebook on one page. */
export class NotebookPage {
  readonly page: Page
  /** Errors of the page itself; a test looks at them at its end. */
  readonly errors: string[] = []

  private constructor(page: Page) {
    this.page = page
    page.on('pageerror', (error) => this.errors.push(error.message))
  }

  /** Opens the link in a profile of its own. */
  static async open(
    browser: Browser,
    link: string,
    options: Parameters<Browser['newContext']>[0] = {},
  ): Promise<NotebookPage> {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options })
    const notebook = new NotebookPage(await context.newPage())
    await notebook.page.goto(link)
    await expect(notebook.page.getByTestId('home')).toBeVisible()
    return notebook
  }

  /** Another notebook in the same profile. */
  async beside(link: string): Promise<NotebookPage> {
    const notebook = new NotebookPage(await this.page.context().newPage())
    await notebook.page.goto(link)
    await expect(notebook.page.getByTestId('home')).toBeVisible()
    return notebook
  }

  /** Opens these cells as a file that the reader trusts. */
  async cells(...sources: Array<string | Cell>): Promise<this> {
    const cells = sources.map((cell, i) => {
      const { kind = 'code', source } = typeof cell === 'string' ? { source: cell } : cell
      const code = kind === 'code' ? { execution_count: null, outputs: [] } : {}
      return { cell_type: kind, id: `cell-${i}`, metadata: {}, source, ...code }
    })
    const text = JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells })
    const [chooser] = await Promise.all([
      this.page.waitForEvent('filechooser'),
      this.page.getByRole('button', { name: 'Open .ipynb' }).click(),
    ])
    await chooser.setFiles({ name: 'test.ipynb', mimeType: 'application/json', buffer: Buffer.from(text) })
    await this.page.getByRole('button', { name: 'Trust and allow running' }).click()
    await this.idle()
    return this
  }

  cell(index: number): Locator {
    return this.page.getByTestId('cell').nth(index)
  }

  output(index: number): Locator {
    return this.cell(index).getByTestId('outputs')
  }

  /** The panel of a run under a cell, live or finished. */
  panel(index: number): Locator {
    return this.cell(index).getByTestId('run-panel').last()
  }

  /** Writes another text into a cell. */
  async edit(index: number, source: string): Promise<void> {
    await this.cell(index).locator('.cm-content').click()
    await this.page.keyboard.press('Control+A')
    // Inserted as a whole: what is typed by keys gets its brackets closed by the editor.
    await this.page.keyboard.insertText(source)
    await this.page.keyboard.press('Escape')
  }

  /** Starts a cell and goes on. */
  async start(index: number): Promise<void> {
    await this.cell(index).getByTestId('prompt').click()
    await this.page.keyboard.press('Control+Enter')
  }

  /** Runs a cell to its end, whatever that is. */
  async run(index: number, limitMs = CELL_LIMIT_MS): Promise<void> {
    const prompt = this.cell(index).getByTestId('prompt')
    const before = await prompt.textContent()
    await this.start(index)
    await expect(prompt, `cell ${index} starts`).not.toHaveText(before ?? '', { timeout: CELL_LIMIT_MS })
    await this.done(index, limitMs)
  }

  async done(index: number, limitMs = CELL_LIMIT_MS): Promise<void> {
    await expect(this.cell(index).getByTestId('prompt'), `cell ${index} ends`).toHaveText(/\[\d+\]/, {
      timeout: limitMs,
    })
  }

  async idle(limitMs = CELL_LIMIT_MS): Promise<void> {
    await expect(this.page.getByTestId('kernel-state')).toContainText('idle', { timeout: limitMs })
  }

  async close(): Promise<void> {
    await this.page.context().close()
    expect(this.errors, 'errors of the page').toEqual([])
  }
}

/** The notebook page by keyboard and by files: Jupyter's keys, trust, files that are newer or damaged, and its looks. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import { type Browser, expect, type Page, test } from '@playwright/test'
import { openChromium } from './support/browser.ts'
import { openStates, type PageStates } from './support/page-states.ts'

/** The shell on a tiny kernel in the page: no server, no worker, no ranks. */
const SHELL = 'notebook/src/dev/index.html'

const FROM_JUPYTER = join(import.meta.dirname, '../apps/notebook/src/model/nbformat/testing/from-jupyter.ipynb')

let browser: Browser
let shell: PageStates
test.beforeAll(async () => {
  browser = await openChromium()
  shell = await openStates(SHELL)
})
test.afterAll(async () => {
  await shell.close()
  await browser.close()
})

/** A page with storage of its own; what goes wrong in it fails the test. */
async function openPage(options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options })
  const page = await context.newPage()
  page.on('pageerror', (error) => expect.soft(error.message, 'error in the page').toBe(''))
  await page.goto(shell.url('shell'))
  await expect(page.getByTestId('home')).toBeVisible()
  return page
}

async function newNotebook(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'New notebook' }).press('Enter')
  await expect(page.locator('.cm-content')).toBeFocused()
}

/** The text of every cell, in order, whether it has its editor yet or not. */
async function expectTexts(page: Page, texts: readonly string[]): Promise<void> {
  const read = () =>
    page
      .getByTestId('cell')
      .evaluateAll((cells) =>
        cells.map((cell) =>
          [...cell.querySelectorAll('.cm-line, .cell-plain, .cell-markdown')]
            .map((line) => line.textContent?.trim())
            .join('\n'),
        ),
      )
  await expect.poll(read).toEqual(texts)
}

async function openText(page: Page, name: string, text: string): Promise<void> {
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    page.getByRole('button', { name: 'Open .ipynb' }).click(),
  ])
  await chooser.setFiles({ name, mimeType: 'application/json', buffer: Buffer.from(text) })
}

test('a session by keyboard alone: write, run, insert, delete, undo, split, join, move, fold, help', async () => {
  const page = await openPage()
  const keys = page.keyboard
  const active = page.locator('.cell.is-active')
  await newNotebook(page)
  await keys.type('const a = 1')
  await keys.press('Shift+Enter')
  // After the last cell comes a new one, ready for typing.
  await expect(page.getByTestId('cell')).toHaveCount(2)
  await expect(active.locator('.cm-content')).toBeFocused()
  await keys.type('40 + 2')
  await keys.press('Control+Enter')
  await expect(active.getByTestId('outputs')).toContainText('42')
  await expect(active.getByTestId('prompt')).toContainText('[2]')
  await expect(active).toBeFocused()

  await keys.press('a')
  await keys.press('Enter')
  await keys.type('# Middle')
  await keys.press('Escape')
  await keys.press('m')
  await keys.press('Control+Enter')
  await expect(active.getByRole('heading', { name: 'Middle' })).toBeVisible()
  await expectTexts(page, ['const a = 1', 'Middle', '40 + 2'])

  await keys.press('d')
  await keys.press('d')
  await expectTexts(page, ['const a = 1', '40 + 2'])
  await keys.press('z')
  await expectTexts(page, ['const a = 1', 'Middle', '40 + 2'])
  await keys.press('y')
  await expectTexts(page, ['const a = 1', '# Middle', '40 + 2'])

  // Split before "Middle", then join what came of it.
  await keys.press('Enter')
  await keys.press('Home')
  await keys.press('ArrowRight')
  await keys.press('Control+Shift+Minus')
  await expectTexts(page, ['const a = 1', '#', 'Middle', '40 + 2'])
  await keys.press('Escape')
  await keys.press('Shift+ArrowUp')
  await keys.press('Shift+M')
  await expectTexts(page, ['const a = 1', '#\n\nMiddle', '40 + 2'])

  await keys.press('c')
  await keys.press('ArrowDown')
  await keys.press('v')
  await expect(page.getByTestId('cell')).toHaveCount(4)
  await keys.press('x')
  await expect(page.getByTestId('cell')).toHaveCount(3)
  await keys.press('Control+Shift+ArrowUp')
  await keys.press('ArrowUp')
  await keys.press('k')
  await expect(active).toHaveAttribute('aria-label', /cell 1/)
  await keys.press('b')
  await expect(active).toHaveAttribute('aria-label', /cell 2/)
  await keys.press('o')

  // The cursor walks over the edge of a cell into the next.
  await keys.press('ArrowUp')
  await keys.press('Enter')
  await keys.press('ArrowDown')
  await expect(active).toHaveAttribute('aria-label', /cell 2/)
  await expect(active.locator('.cm-content')).toBeFocused()
  await keys.press('Alt+Enter')
  await expect(active).toHaveAttribute('aria-label', /cell 3/)
  await keys.press('Escape')

  await keys.press('h')
  await expect(page.getByRole('dialog', { name: 'Keys' })).toContainText('Delete the selected cells')
  await keys.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await expect(active).toBeFocused()
  await keys.press('0')
  await keys.press('0')
  await expect(page.getByRole('dialog', { name: 'Restart the kernel?' })).toBeVisible()
  await keys.press('Enter')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await keys.press('Control+s')
  await expect(page.getByTestId('saved')).toHaveText('saved')
  await page.context().close()
})

test('Tab completes from the kernel, an error marks its line, interrupt ends what waits', async () => {
  const page = await openPage()
  const keys = page.keyboard
  const active = page.locator('.cell.is-active')
  await newNotebook(page)
  await keys.type('fab')
  await keys.press('Tab')
  await expect(page.locator('.cm-tooltip-autocomplete')).toContainText('fabric')
  await keys.press('Tab')
  await expectTexts(page, ['fabric'])
  // Esc closes the list first, and only then leaves the text.
  await keys.press('Control+Space')
  await expect(page.locator('.cm-tooltip-autocomplete')).toBeVisible()
  await keys.press('Escape')
  await expect(active.locator('.cm-content')).toBeFocused()
  await keys.press('Control+a')
  await keys.type("console.log('before')\nthrow new Error('deliberate')")
  await keys.press('Control+Enter')
  await expect(active.locator('.cm-lineMark')).toHaveText("throw new Error('deliberate')")
  await expect(active.getByTestId('outputs')).toContainText('deliberate')

  await keys.press('b')
  await keys.press('Enter')
  await keys.type('await new Promise(() => {})')
  await keys.press('Control+Enter')
  await expect(active.getByTestId('prompt')).toContainText('[*]')
  await expect(page.getByTestId('kernel-state')).toContainText('busy')
  await keys.press('i')
  await keys.press('i')
  await expect(active.getByTestId('prompt')).toContainText('[2]')
  await expect(page.getByTestId('kernel-state')).toContainText('idle')
  await page.context().close()
})

test('keys that move within an output move there, all others stay the notebook’s', async () => {
  const page = await openPage()
  const keys = page.keyboard
  await newNotebook(page)
  await keys.type('1 + 1')
  await keys.press('Alt+Enter')
  await keys.insertText('for (let i = 0; i < 100; i++) console.log("line " + i)')
  await keys.press('Control+Enter')
  const log = page.getByRole('log')
  await expect(log).toContainText('line 99')
  const place = () => log.evaluate((box) => Math.round(box.scrollTop))
  expect(await place()).toBeGreaterThan(0)
  await log.focus()
  await keys.press('Home')
  await expect.poll(place).toBe(0)
  await keys.press('ArrowDown')
  await expect.poll(place).toBeGreaterThan(0)
  await expect(log).toBeFocused()
  await expect(page.locator('.cell.is-active')).toContainText('console.log')
  await keys.press('a')
  await expect(page.getByTestId('cell')).toHaveCount(3)
  await page.context().close()
})

test('a notebook of real Jupyter runs nothing before it is trusted, and downloads byte for byte', async () => {
  const page = await openPage()
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    page.getByRole('button', { name: 'Open .ipynb' }).click(),
  ])
  await chooser.setFiles(FROM_JUPYTER)
  await expect(page.getByTestId('banner').first()).toContainText('comes from elsewhere')
  await expect(page.getByTestId('banner').nth(1)).toContainText('python')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Control+Enter')
  const cell = page.getByTestId('cell').nth(1)
  await expect(cell.getByTestId('prompt')).toContainText('[3]')

  await page.getByRole('button', { name: 'Notebook', exact: true }).click()
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: 'Download .ipynb' }).click(),
  ])
  expect(download.suggestedFilename()).toBe('from-jupyter.ipynb')
  expect(readFileSync(await download.path(), 'utf8')).toBe(readFileSync(FROM_JUPYTER, 'utf8'))

  await page.getByRole('button', { name: 'Trust and allow running' }).click()
  await cell.getByTestId('prompt').click()
  await page.keyboard.press('Control+Enter')
  await expect(cell.getByTestId('prompt')).toContainText('[1]')
  await page.context().close()
})

test('a newer or damaged file is shown, not changed, and can be copied; other files are refused with a sentence', async () => {
  const page = await openPage()
  await openText(page, 'broken.ipynb', readFileSync(FROM_JUPYTER, 'utf8').slice(0, -900))
  const banner = page.getByTestId('banner').first()
  await expect(banner).toContainText('can only be read')
  await expect(banner).toContainText('damaged or cut off')
  await page.keyboard.press('a')
  await page.keyboard.press('d')
  await page.keyboard.press('d')
  await expect(page.getByRole('status')).toContainText('make a copy')
  await banner.getByRole('button', { name: 'Make a copy to edit' }).click()
  await expect(page.getByLabel('Name of the notebook')).toHaveValue('broken (copy).ipynb')
  await expect(page.getByTestId('saved')).not.toHaveText('read-only')
  await page.goBack()
  await openText(page, 'photo.ipynb', 'not a notebook')
  await expect(page.getByRole('alert')).toContainText('not valid JSON')
  await openText(page, 'old.ipynb', '{"nbformat": 3, "worksheets": []}')
  await expect(page.getByRole('alert')).toContainText('format 3')
  await page.context().close()
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`fits, and axe finds nothing serious, ${colorScheme}`, async () => {
    for (const width of [390, 1440]) {
      const page = await openPage({ colorScheme, viewport: { width, height: 860 } })
      const look = async (name: string) => {
        const past = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        expect(past, `${name} at ${width} px reaches past the right edge`).toBeLessThanOrEqual(0)
        await page.screenshot({ path: test.info().outputPath(`${name}-${width}-${colorScheme}.png`) })
        // The same elements at both widths: looked through once.
        if (width === 390) return
        const { violations } = await new AxeBuilder({ page }).analyze()
        expect(violations.map(({ id, nodes }) => `${name}: ${id} ${nodes[0]?.html}`)).toEqual([])
      }
      await look('home')
      await newNotebook(page)
      await page.keyboard.type("const loss = [1, 0.5] // falls\nthrow new TypeError('no')")
      await page.keyboard.press('Control+Enter')
      await expect(page.locator('.cm-lineMark')).toBeVisible()
      await look('error')
      await page.keyboard.press('h')
      await look('keys')
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: 'Notebook', exact: true }).click()
      await look('menu')
      await page.getByRole('menuitem', { name: 'All notebooks' }).click()
      await expect(page.getByTestId('home')).toBeVisible()
      const [chooser] = await Promise.all([
        page.waitForEvent('filechooser'),
        page.getByRole('button', { name: 'Open .ipynb' }).click(),
      ])
      await chooser.setFiles(FROM_JUPYTER)
      await expect(page.getByTestId('banner').first()).toBeVisible()
      await look('untrusted')
      await page.context().close()
    }
  })
}

/** What the browser keeps of a notebook: autosave, history, two tabs at once, storage that is denied or full. */
import { type Browser, type BrowserContext, expect, type Page, test } from '@playwright/test'
import { openChromium } from './support/browser.ts'
import { openStates, type PageStates } from './support/page-states.ts'

/** The shell on a tiny kernel in the page: no server, no worker, no ranks. */
const SHELL = 'notebook/src/dev/index.html'

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

async function newNotebook(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  await page.goto(shell.url('shell'))
  await page.getByRole('button', { name: 'New notebook' }).click()
  await expect(page.locator('.cm-content')).toBeFocused()
  return page
}

const text = (page: Page) => page.locator('.cm-content').first()
const saved = (page: Page) => page.getByTestId('saved')

test('what was typed and printed is there after a reload, without saving by hand', async () => {
  const context = await browser.newContext()
  const page = await newNotebook(context)
  await page.keyboard.type("console.log('kept')")
  await page.keyboard.press('Control+Enter')
  await page.getByLabel('Name of the notebook').fill('renamed')
  await page.keyboard.press('Enter')
  await expect(saved(page)).toHaveText('saved')
  await page.reload()
  await expect(text(page)).toHaveText("console.log('kept')")
  await expect(page.getByTestId('outputs')).toContainText('kept')
  await expect(page.getByLabel('Name of the notebook')).toHaveValue('renamed.ipynb')
  await page.getByRole('button', { name: 'Notebook', exact: true }).click()
  await page.getByRole('menuitem', { name: 'All notebooks' }).click()
  await expect(page.getByRole('button', { name: /^renamed\.ipynb/ })).toBeVisible()
  await page.getByRole('button', { name: 'Delete renamed.ipynb' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByTestId('home')).toContainText('None yet')
  await context.close()
})

test('an earlier version comes back, and what it replaced is kept', async () => {
  const context = await browser.newContext()
  const page = await newNotebook(context)
  await page.keyboard.type('first')
  await page.keyboard.press('Control+s')
  await expect(saved(page)).toHaveText('saved')
  await page.keyboard.press('Control+a')
  await page.keyboard.type('second')
  await page.getByRole('button', { name: 'Notebook', exact: true }).click()
  await page.getByRole('menuitem', { name: 'History' }).click()
  const sheet = page.getByRole('dialog', { name: 'History' })
  await sheet.getByRole('button', { name: /saved by you/ }).click()
  await expect(sheet.getByLabel('This version’s cells')).toHaveText('first')
  await sheet.getByRole('button', { name: 'Restore this version' }).click()
  await expect(sheet).toHaveCount(0)
  await expect(text(page)).toHaveText('first')
  await page.getByRole('button', { name: 'Notebook', exact: true }).click()
  await page.getByRole('menuitem', { name: 'History' }).click()
  await sheet.getByRole('button', { name: /before a restore/ }).click()
  await expect(sheet.getByLabel('This version’s cells')).toHaveText('second')
  await context.close()
})

test('two tabs with one notebook never overwrite each other', async () => {
  const context = await browser.newContext()
  const page = await newNotebook(context)
  await page.keyboard.type('a')
  await expect(saved(page)).toHaveText('saved')
  const other = await context.newPage()
  await other.goto(page.url())
  await text(other).click()
  await other.keyboard.type('other ')
  await expect(saved(other)).toHaveText('saved')
  await text(page).click()
  await page.keyboard.type('mine ')
  const banner = page.getByTestId('banner')
  await expect(banner).toContainText('changed in another tab')
  await banner.getByRole('button', { name: 'Keep mine as a copy' }).click()
  await expect(page.getByLabel('Name of the notebook')).toHaveValue(/\(copy\)\.ipynb$/)
  await expect(text(page)).toContainText('mine')
  await other.reload()
  await expect(text(other)).toContainText('other')
  await context.close()
})

test('a browser that stores nothing still edits and runs, and says so', async () => {
  const context = await browser.newContext()
  await context.addInitScript(() => {
    indexedDB.open = () => {
      throw new DOMException('denied', 'SecurityError')
    }
  })
  const page = await newNotebook(context)
  await expect(page.getByTestId('banner')).toContainText('does not let the page store')
  await page.keyboard.type('1 + 1')
  await page.keyboard.press('Control+Enter')
  await expect(page.getByTestId('outputs')).toContainText('2')
  await expect(saved(page)).toHaveText('kept until this page closes')
  await context.close()
})

test('a full storage is told, nothing is lost, and saving goes on when there is room', async () => {
  const context = await browser.newContext()
  await context.addInitScript(() => {
    const put = IDBObjectStore.prototype.put
    IDBObjectStore.prototype.put = function (...args: Parameters<typeof put>) {
      if ((window as { isFull?: boolean }).isFull === true) throw new DOMException('full', 'QuotaExceededError')
      return put.apply(this, args)
    }
  })
  const page = await newNotebook(context)
  await page.evaluate(() => Object.assign(window, { isFull: true }))
  await page.keyboard.type('too much')
  const banner = page.getByTestId('banner')
  await expect(banner).toContainText('storage is full')
  await expect(saved(page)).toHaveText('not saved')
  await expect(banner.getByRole('button', { name: 'Download .ipynb' })).toBeVisible()
  await page.evaluate(() => Object.assign(window, { isFull: false }))
  await banner.getByRole('button', { name: 'Try again' }).click()
  await expect(saved(page)).toHaveText('saved')
  await page.reload()
  await expect(text(page)).toHaveText('too much')
  await context.close()
})

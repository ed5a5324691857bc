/** Real Chromium for tests that act as people at pages: the browser that `rondo` itself would find. */
import { type Browser, chromium, type Page } from '@playwright/test'
import { findBrowser } from '../../packages/cli/src/browser/find.ts'
import { machineSearch } from '../../packages/cli/src/browser/install.ts'
import { browserFlags } from '../../packages/cli/src/browser/launch.ts'

/** Starts it; the caller closes it. */
export async function openChromium(): Promise<Browser> {
  const executablePath = await findBrowser(undefined, machineSearch(console.error))
  return chromium.launch({
    executablePath,
    args: browserFlags({ softwareWebGpu: false }, false),
    chromiumSandbox: process.getuid?.() !== 0,
  })
}

/** A page in a browser profile of its own, as on another machine: it shares nothing with other contexts. */
export async function strangersPage(
  browser: Browser,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<Page> {
  const context = await browser.newContext(options)
  return context.newPage()
}

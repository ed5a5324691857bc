/**
 * A page with the engine on WebGPU's software adapter, for tests of what only a device can show. Its programs are the
 * functions that gpu-page.ts puts on `window`. Not for: runs of several ranks (rondo.ts).
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from '@playwright/test'
import { findBrowser } from '../../packages/cli/src/browser/find.ts'
import { machineSearch } from '../../packages/cli/src/browser/install.ts'
import { browserFlags } from '../../packages/cli/src/browser/launch.ts'
import { buildBrowserScripts } from '../../scripts/browser-scripts.ts'

export class GpuLab {
  readonly page: Page
  readonly #browser: Browser
  readonly #server: Server

  private constructor(page: Page, browser: Browser, server: Server) {
    this.page = page
    this.#browser = browser
    this.#server = server
  }

  static async open(): Promise<GpuLab> {
    const scripts = await buildBrowserScripts({ 'gpu-page': join(import.meta.dirname, 'gpu-page.ts') })
    const server = createServer((request, response) => {
      const script = scripts.get(request.url ?? '')
      response.setHeader('content-type', script ? 'text/javascript' : 'text/html')
      response.end(script ?? '<!doctype html><title>gpu</title><script type="module" src="/gpu-page.js"></script>')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const browser = await chromium.launch({
      executablePath: await findBrowser(undefined, machineSearch(console.error)),
      args: browserFlags({ softwareWebGpu: true }, false),
      chromiumSandbox: process.getuid?.() !== 0,
    })
    const page = await browser.newPage()
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`)
    await page.waitForFunction(() => 'gpu' in globalThis)
    return new GpuLab(page, browser, server)
  }

  async close(): Promise<void> {
    await this.#browser.close()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

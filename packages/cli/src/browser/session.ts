/**
 * The browser of one command: found, started, and started again with the software adapter if WebGPU was asked
 * for by name and no hardware has it. Not for: tabs.
 */
import type { LaunchedBrowser } from './launch.ts'
import { launchBrowser } from './launch.ts'

/** Accelerator names by which a person asks for WebGPU, whatever carries it. */
const WEBGPU_NAMES: ReadonlySet<string> = new Set(['webgpu', 'gpu', 'cuda', 'mps'])

/** WebGPU is allowed to pages of localhost. No server is asked: the page is made up on its way. */
const PROBE_URL = 'http://localhost/probe'

export interface BrowserWish {
  executablePath: string
  headed: boolean
  accelerator: string | undefined
  /** See `LaunchOptions`. */
  udpPorts?: string | undefined
  showsAddresses?: boolean
}

export async function openBrowser(wish: BrowserWish): Promise<LaunchedBrowser> {
  const { accelerator, ...launch } = wish
  const browser = await launchBrowser({ ...launch, softwareWebGpu: false })
  if (!WEBGPU_NAMES.has(accelerator ?? '')) return browser
  const hasAdapter = await offersWebGpu(browser).catch(() => false)
  if (hasAdapter) return browser
  await browser.close()
  return launchBrowser({ ...launch, softwareWebGpu: true })
}

async function offersWebGpu(browser: LaunchedBrowser): Promise<boolean> {
  const page = await browser.context.newPage()
  try {
    await page.route(PROBE_URL, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }))
    await page.goto(PROBE_URL)
    return await page.evaluate(async () => (await navigator.gpu?.requestAdapter()) != null)
  } finally {
    await page.close()
  }
}

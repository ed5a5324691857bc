/**
 * The browser of one command: found, started, and started again with the software adapter if WebGPU was asked
 * for by name and no hardware has it. Not for: tabs.
 */
import type { LaunchedBrowser } from './launch.ts'
import { launchBrowser } from './launch.ts'

/** Accelerator names by which a person asks for WebGPU, whatever carries it. */
const WEBGPU_NAMES: ReadonlySet<string> = new Set(['webgpu', 'gpu', 'cuda', 'mps'])

export interface BrowserWish {
  executablePath: string
  headed: boolean
  accelerator: string | undefined
  /** A page of ours at localhost, where WebGPU is allowed. */
  probeUrl: string
}

export async function openBrowser(wish: BrowserWish): Promise<LaunchedBrowser> {
  const { executablePath, headed } = wish
  const browser = await launchBrowser({ executablePath, headed, softwareWebGpu: false })
  if (!WEBGPU_NAMES.has(wish.accelerator ?? '')) return browser
  const hasAdapter = await offersWebGpu(browser, wish.probeUrl).catch(() => false)
  if (hasAdapter) return browser
  await browser.close()
  return launchBrowser({ executablePath, headed, softwareWebGpu: true })
}

async function offersWebGpu(browser: LaunchedBrowser, url: string): Promise<boolean> {
  const page = await browser.context.newPage()
  try {
    await page.goto(url)
    return await page.evaluate(async () => (await navigator.gpu?.requestAdapter()) != null)
  } finally {
    await page.close()
  }
}

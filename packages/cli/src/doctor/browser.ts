/**
 * What the doctor learns from the browser itself, on a page of its own at localhost with the same isolation as
 * the real pages. Not for: finding the browser (browser/find.ts).
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import sirv from 'sirv'
import { ensureAssets } from '../assets/build.ts'
import { type LaunchedBrowser, launchBrowser } from '../browser/launch.ts'
import { isolate } from '../http/reply.ts'
import { DIST } from '../paths.ts'
import { probeProducts, probeWasm, probeWebGpu, probeWebRtc } from './probes.ts'
import type { Finding } from './report.ts'

/** Milliseconds for building the pages, where that was not done yet. */
const BUILD_MS = 300_000
const SOFTWARE_ONLY = 'only a software adapter'

/** Calls back with each finding as it comes. Closes everything it opened. */
export async function examineBrowser(executablePath: string, found: (finding: Finding) => void): Promise<void> {
  const scripts = sirv(DIST, { dev: true })
  const server = createServer((request, response) => {
    isolate(response)
    scripts(request, response, () => {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>Rondo doctor</title>')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  let browser: LaunchedBrowser | undefined
  try {
    browser = await launchBrowser({ executablePath, headed: false, softwareWebGpu: false })
    found({ name: 'browser', status: 'ok', text: `${executablePath} (Chromium ${browser.version})` })
    const page = await browser.context.newPage()
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`)
    const gpu = await webGpu(page)
    found(gpu)
    if (gpu.status === 'ok' || gpu.text.startsWith(SOFTWARE_ONLY)) found(await products(page))
    found(await wasm(page))
    found(await webRtc(page))
  } catch (thrown) {
    found({
      name: 'browser',
      status: 'fail',
      text: thrown instanceof Error ? thrown.message : String(thrown),
      remedy: 'try another one with --browser',
    })
  } finally {
    await browser?.close()
    server.close()
  }
}

async function webGpu(page: Page): Promise<Finding> {
  const seen = await page.evaluate(probeWebGpu)
  if (seen.kind === 'hardware') return { name: 'WebGPU', status: 'ok', text: seen.text }
  return {
    name: 'WebGPU',
    status: 'warn',
    text: seen.kind === 'software' ? `${SOFTWARE_ONLY}: ${seen.text}` : seen.text,
    remedy: 'training uses WASM here; a GPU with a current driver would be faster',
  }
}

/** Opens the device as a rank does; on a software adapter products have hung. */
async function products(page: Page): Promise<Finding> {
  await ensureAssets(AbortSignal.timeout(BUILD_MS), () => undefined)
  const { ok, text } = await page.evaluate(probeProducts)
  const name = 'WebGPU products'
  return ok ? { name, status: 'ok', text } : { name, status: 'warn', text, remedy: 'training with wasm avoids them' }
}

async function wasm(page: Page): Promise<Finding> {
  const { simd, threads, cores } = await page.evaluate(probeWasm)
  if (simd && threads) return { name: 'WASM', status: 'ok', text: `SIMD and threads, ${cores} cores` }
  if (simd) return { name: 'WASM', status: 'warn', text: 'SIMD, but no threads', remedy: 'use a current browser' }
  return { name: 'WASM', status: 'fail', text: 'no SIMD', remedy: 'use a current Chrome, Chromium or Edge' }
}

async function webRtc(page: Page): Promise<Finding> {
  const result = await page.evaluate(probeWebRtc)
  if (typeof result !== 'string') {
    return { name: 'WebRTC', status: 'ok', text: `two peers here talk, round trip ${result.toFixed(1)} ms` }
  }
  return {
    name: 'WebRTC',
    status: 'fail',
    text: result,
    remedy: 'check firewall and browser policies, or use --process-group-backend relay',
  }
}

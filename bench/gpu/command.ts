/**
 * `bench gpu`: adapter, a training step's demands and time, transfers, kernels by timestamp queries, ours beside
 * tfjs's, and PyTorch on the same GPU where it is. Without a GPU: tiny shapes on the software adapter, where counts
 * mean something and times do not. Not for: several ranks (bench allreduce).
 */
import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Browser, chromium, type Page } from 'playwright-core'
import { findBrowser } from '../../packages/cli/src/browser/find.ts'
import { machineSearch } from '../../packages/cli/src/browser/install.ts'
import { browserFlags } from '../../packages/cli/src/browser/launch.ts'
import { buildBrowserScripts } from '../../scripts/browser-scripts.ts'
import { formatNumber, median } from '../figures.ts'
import { readFlags } from '../flags.ts'
import { JsonReport } from '../json-report.ts'
import type { BenchSizes, CallCounts } from './messages.ts'
import type { GpuBench } from './page.ts'

declare const gpuBench: GpuBench

const HARDWARE: BenchSizes = {
  batch: 64,
  image: 28,
  widths: [256, 128],
  filters: [8, 16],
  steps: 50,
  products: [256, 512, 1024, 2048],
  calls: 20,
  rounds: 5,
  bytes: [65_536, 1_048_576, 16_777_216],
}
/** The software adapter makes 0.4 GFLOP/s. */
const SOFTWARE: BenchSizes = {
  ...{ batch: 4, image: 10, widths: [24, 16], filters: [4, 8], steps: 5 },
  ...{ products: [256], calls: 1, rounds: 2, bytes: [65_536, 1_048_576] },
}
/** Below this ratio of times ours is called faster, above its inverse slower. */
const CLEAR = 0.95
/** Milliseconds for PyTorch, its import included. */
const TORCH_MS = 120_000
const PROFILED = 8

interface TorchFigures {
  device: string
  torch: string
  steps: Record<'mlp' | 'cnn', number[]>
  products: Record<string, number>
}

export async function gpuCommand(words: readonly string[]): Promise<void> {
  const flags = readFlags(words, ['json', 'browser'])
  const json = JsonReport.at(flags.json)
  const executablePath = await findBrowser(flags.browser, machineSearch(console.error))
  const scripts = await buildBrowserScripts({ page: join(import.meta.dirname, 'page.ts') })
  const server = createServer((request, response) => {
    const script = scripts.get(request.url ?? '')
    response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript')
    response.end(script ?? '<!doctype html><script type="module" src="/page.js"></script>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://localhost:${(server.address() as AddressInfo).port}/`
  let browser: Browser | undefined
  try {
    let page: Page
    ;({ browser, page } = await open(executablePath, url, false))
    let device = await page.evaluate(() => gpuBench.describeDevice())
    const software = device.webgpu !== 'hardware'
    if (software) {
      await browser.close()
      ;({ browser, page } = await open(executablePath, url, true))
      device = await page.evaluate(() => gpuBench.describeDevice())
      console.log('No GPU here: tiny shapes on the software adapter. Counts hold for every device, times for none.\n')
    }
    console.log(
      `adapter   ${[device.adapter?.vendor, device.adapter?.architecture, device.adapter?.description].join(' ')}`,
    )
    console.log(`features  ${device.features.join(' ')}`)
    console.log(
      `limits    ${Object.entries(device.limits)
        .map(([name, limit]) => `${name} ${limit}`)
        .join(', ')}\n`,
    )
    const sizes = software ? SOFTWARE : HARDWARE
    const figures = await measure(page, sizes)
    const torch = software ? null : await measureTorch(sizes)
    if (torch !== null) {
      console.log(`\nPyTorch ${torch.torch}, float32, on ${torch.device}`)
      for (const net of ['mlp', 'cnn'] as const)
        console.log(`  ${net} step ${formatNumber(median(torch.steps[net]))} ms`)
      for (const [side, ms] of Object.entries(torch.products)) console.log(`  product ${side}³ ${formatNumber(ms)} ms`)
    } else console.log('\nNo PyTorch with CUDA to compare with.')
    json?.write('gpu', words, `Chromium ${browser.version()}`, { device, software, sizes, ...figures, torch })
  } finally {
    await browser?.close()
    server.close()
  }
}

async function open(
  executablePath: string,
  url: string,
  softwareWebGpu: boolean,
): Promise<{ browser: Browser; page: Page }> {
  const browser = await chromium.launch({
    executablePath,
    // Exact timestamps instead of ones rounded to 100 µs.
    args: [...browserFlags({ softwareWebGpu }, !softwareWebGpu), '--enable-webgpu-developer-features'],
    chromiumSandbox: process.getuid?.() !== 0,
  })
  const page = await browser.newPage()
  await page.goto(url)
  await page.waitForFunction(() => 'gpuBench' in globalThis)
  return { browser, page }
}

async function measure(page: Page, sizes: BenchSizes) {
  const steps: Record<string, unknown> = {}
  for (const net of ['mlp', 'cnn'] as const) {
    const ask = (form: 'before' | 'now') =>
      page.evaluate(([n, f, s]) => gpuBench.measureStep(n, f, s), [net, form, sizes] as const)
    const [before, after] = [await ask('before'), await ask('now')]
    steps[net] = { before, now: after }
    const { parameters, values, buckets } = after
    console.log(`${net} step, AdamW: ${parameters} parameters, ${values} values, ${buckets} buckets`)
    for (const kind of Object.keys(after.counts) as Array<keyof CallCounts>) {
      console.log(`  ${kind.padEnd(11)} ${String(before.counts[kind]).padStart(6)} → ${after.counts[kind]}`)
    }
    console.log(`  milliseconds ${formatNumber(median(before.times))} → ${formatNumber(median(after.times))}`)
  }
  const transfers = []
  for (const bytes of sizes.bytes) {
    const seen = await page.evaluate(([b]) => gpuBench.transfers(b, 5), [bytes] as const)
    transfers.push(seen)
    console.log(
      `${bytes} bytes: upload ${formatNumber(median(seen.upload))} ms, readback ${formatNumber(median(seen.readback))} ms`,
    )
  }
  const kernels = await page.evaluate((s) => gpuBench.kernels(s), sizes)
  for (const { name, flops, times } of kernels) {
    const base = median(times['tfjs'] ?? [])
    for (const [form, list] of Object.entries(times)) {
      const ms = median(list)
      const verdict = form === 'tfjs' ? '' : ` · ${verdictOf(ms / base)} (${formatNumber(ms / base)}× tfjs's time)`
      console.log(`${name}: ${form} ${formatNumber(ms)} ms, ${formatNumber(flops / ms / 1e6)} GFLOP/s${verdict}`)
    }
  }
  const profile = await page.evaluate((s) => gpuBench.profile('cnn', s), sizes)
  console.log('cnn, forward and backward, milliseconds by timestamp query:')
  for (const { name, ms } of profile.slice(0, PROFILED)) console.log(`  ${name.padEnd(28)} ${formatNumber(ms)}`)
  return { steps, transfers, kernels, profile }
}

const verdictOf = (ratio: number): string =>
  ratio < CLEAR ? 'ours is faster' : ratio > 1 / CLEAR ? "tfjs's is faster" : 'no difference'

/** Null where there is no Python, no PyTorch or no CUDA. */
async function measureTorch(sizes: BenchSizes): Promise<TorchFigures | null> {
  const script = join(import.meta.dirname, 'torch.py')
  try {
    const { stdout } = await promisify(execFile)('python3', [script, JSON.stringify(sizes)], { timeout: TORCH_MS })
    return JSON.parse(stdout) as TorchFigures | null
  } catch {
    return null
  }
}

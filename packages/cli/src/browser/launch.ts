/**
 * Starts the browser for ranks and gives one context in which all tabs share origin storage and workers.
 * The profile is Playwright's temporary one, removed when the browser closes. Not for: what tabs do (tabs.ts).
 */
import { existsSync, readdirSync } from 'node:fs'
import { RondoError } from '@rondo/protocol'
import { type BrowserContext, chromium } from 'playwright-core'

export interface LaunchOptions {
  executablePath: string
  headed: boolean
  /** Offer WebGPU on the software adapter; only when webgpu was asked for by name and no hardware has it. */
  softwareWebGpu: boolean
}

export interface LaunchedBrowser {
  context: BrowserContext
  version: string
  /** Resolves when the browser is gone for whatever reason. */
  readonly gone: Promise<void>
  close(): Promise<void>
}

/** Milliseconds for the browser to come up on a busy machine. */
const LAUNCH_TIMEOUT_MS = 60_000
/** Milliseconds for a browser to close by itself before it is killed. */
const CLOSE_TIMEOUT_MS = 5_000

/** Background noise off; hidden tabs at full speed; WebRTC over loopback where no other interface exists. */
const FLAGS = [
  '--enable-unsafe-webgpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
  '--allow-loopback-in-peer-connection',
]

/**
 * Chrome on Linux reaches a GPU for WebGPU through Vulkan only (its own advice for machines without a screen).
 * Without a GPU these flags would only get in the way.
 */
const LINUX_GPU_FLAGS = ['--enable-features=Vulkan', '--use-angle=vulkan', '--disable-vulkan-surface']

/** Command line of the browser, as far as it is ours. */
export function browserFlags(options: Pick<LaunchOptions, 'softwareWebGpu'>, hasLinuxGpu: boolean): string[] {
  if (options.softwareWebGpu) return [...FLAGS, '--use-webgpu-adapter=swiftshader']
  return hasLinuxGpu ? [...FLAGS, ...LINUX_GPU_FLAGS] : [...FLAGS]
}

/** The command by which the browser would come up, as far as a person has a say in it. */
export function browserCommand({ executablePath, headed, softwareWebGpu }: LaunchOptions): string[] {
  const sandbox = runsAsRoot() ? ['--no-sandbox'] : []
  return [
    executablePath,
    ...(headed ? [] : ['--headless']),
    ...sandbox,
    ...browserFlags({ softwareWebGpu }, hasLinuxGpu()),
  ]
}

/** Chromium refuses its sandbox to root; everybody else keeps it. */
function runsAsRoot(): boolean {
  return process.getuid?.() === 0
}

/** True on Linux machines with a device node of a graphics driver. */
function hasLinuxGpu(): boolean {
  if (process.platform !== 'linux') return false
  const renderNodes = existsSync('/dev/dri') ? readdirSync('/dev/dri').filter((name) => name.startsWith('renderD')) : []
  return renderNodes.length > 0 || existsSync('/dev/nvidia0')
}

/** @throws NO_BROWSER when the program does not come up as a browser */
export async function launchBrowser(options: LaunchOptions): Promise<LaunchedBrowser> {
  let context: BrowserContext
  try {
    // A profile of its own rather than a private context: only there do tabs share files as memory.
    context = await chromium.launchPersistentContext('', {
      executablePath: options.executablePath,
      headless: !options.headed,
      args: browserFlags(options, hasLinuxGpu()),
      chromiumSandbox: !runsAsRoot(),
      timeout: LAUNCH_TIMEOUT_MS,
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
      viewport: options.headed ? null : { width: 1280, height: 800 },
    })
  } catch (cause) {
    const reason = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]
    const display =
      options.headed && process.platform === 'linux' && !process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY']
    throw new RondoError(
      'NO_BROWSER',
      `${options.executablePath} did not start: ${reason}. ${
        display
          ? '--headed needs a display; leave it out.'
          : 'Try --browser with another Chrome, Chromium or Edge, and rondo doctor to see what works here.'
      }`,
      { cause },
    )
  }
  const gone = new Promise<void>((resolve) => context.once('close', () => resolve()))
  return {
    context,
    version: context.browser()?.version() ?? 'unknown',
    gone,
    async close() {
      const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_TIMEOUT_MS).unref())
      await Promise.race([context.close().catch(() => undefined), late])
    },
  }
}

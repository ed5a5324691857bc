/**
 * Starts the browser for ranks and gives one context in which all tabs share origin storage and workers.
 * The profile is Playwright's temporary one, removed when the browser closes. Not for: what tabs do (tabs.ts).
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RondoError } from '@rondo/protocol'
import { type BrowserContext, chromium } from 'playwright-core'

export interface LaunchOptions {
  executablePath: string
  headed: boolean
  /** Let pages see the addresses of this machine, which they can then keep WebRTC to. */
  showsAddresses?: boolean
  /** The only local UDP ports for WebRTC, `first-last`; any port without it. */
  udpPorts?: string | undefined
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
export function browserFlags(
  { softwareWebGpu, showsAddresses = false }: Pick<LaunchOptions, 'softwareWebGpu' | 'showsAddresses'>,
  hasLinuxGpu: boolean,
): string[] {
  const flags = showsAddresses ? [...FLAGS, '--disable-features=WebRtcHideLocalIpsWithMdns'] : [...FLAGS]
  if (softwareWebGpu) return [...flags, '--use-webgpu-adapter=swiftshader']
  return hasLinuxGpu ? [...flags, ...LINUX_GPU_FLAGS] : flags
}

/** The command by which the browser would come up, as far as a person has a say in it. */
export function browserCommand({ executablePath, headed, ...options }: LaunchOptions): string[] {
  const sandbox = runsAsRoot() ? ['--no-sandbox'] : []
  return [executablePath, ...(headed ? [] : ['--headless']), ...sandbox, ...browserFlags(options, hasLinuxGpu())]
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

/**
 * A profile whose WebRTC keeps to these ports. Chromium has no flag for it: its policy WebRtcUdpPortRange only sets this
 * preference, which a profile may hold by itself (seen with Chromium 156; e2e/nodes.spec.ts looks).
 */
function profileWith(udpPorts: string): string {
  const profile = mkdtempSync(join(tmpdir(), 'rondo-profile-'))
  mkdirSync(join(profile, 'Default'))
  writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify({ webrtc: { udp_port_range: udpPorts } }))
  return profile
}

/** @throws NO_BROWSER when the program does not come up as a browser */
export async function launchBrowser(options: LaunchOptions): Promise<LaunchedBrowser> {
  let context: BrowserContext
  const profile = options.udpPorts === undefined ? null : profileWith(options.udpPorts)
  const forgetProfile = (): void => {
    if (profile !== null) rmSync(profile, { recursive: true, force: true })
  }
  try {
    // A profile of its own rather than a private context: only there do tabs share files as memory.
    context = await chromium.launchPersistentContext(profile ?? '', {
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
    forgetProfile()
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
  // Browsers tell a page of all interfaces only once it may use a microphone; none is ever opened.
  if (options.showsAddresses) await context.grantPermissions(['microphone', 'camera'])
  const gone = new Promise<void>((resolve) => context.once('close', () => resolve()))
  return {
    context,
    version: context.browser()?.version() ?? 'unknown',
    gone,
    async close() {
      const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_TIMEOUT_MS).unref())
      await Promise.race([context.close().catch(() => undefined), late])
      forgetProfile()
    },
  }
}

/**
 * Gets a browser where there is none: Playwright's download first, then the distribution's package where we
 * may install it. Not for: choosing among browsers that are there (find.ts).
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { ROOT } from '../paths.ts'
import { type BrowserSearch, candidatePaths, isProgram } from './find.ts'

/** Milliseconds; a download of some 150 MB on a slow line. */
const INSTALL_TIMEOUT_MS = 600_000

/** The search on this machine. `say` prints the line that explains a long wait. */
export function machineSearch(say: (line: string) => void, mayInstall = true): BrowserSearch {
  return {
    platform: process.platform,
    environment: process.env,
    isProgram,
    playwrightPath: () => chromium.executablePath() || undefined,
    installers: mayInstall ? [() => installWithPlaywright(say), () => installWithApt(say)] : [],
  }
}

async function installWithPlaywright(say: (line: string) => void): Promise<string | null> {
  say('No browser found here; fetching one with Playwright (only needed once) …')
  const cli = join(ROOT, 'node_modules', 'playwright-core', 'cli.js')
  const done = await succeeds(process.execPath, [cli, 'install', 'chromium'])
  return done ? chromium.executablePath() : null
}

async function installWithApt(say: (line: string) => void): Promise<string | null> {
  if (process.getuid?.() !== 0 || !isDebian()) return null
  say('Installing the package chromium with apt-get …')
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  if (!(await succeeds('apt-get', ['update'], environment))) return null
  if (!(await succeeds('apt-get', ['install', '-y', 'chromium'], environment))) return null
  return candidatePaths({ platform: process.platform, environment: process.env }).find(isProgram) ?? null
}

function isDebian(): boolean {
  if (process.platform !== 'linux' || !existsSync('/etc/os-release')) return false
  return /^(ID|ID_LIKE)=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'))
}

/** Output goes nowhere: the person gets one line before, and the refusal after. */
function succeeds(program: string, args: string[], environment = process.env): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'ignore', env: environment, timeout: INSTALL_TIMEOUT_MS })
    child.on('error', () => resolve(false))
    child.on('exit', (code) => resolve(code === 0))
  })
}

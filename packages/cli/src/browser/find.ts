/**
 * Finds a Chromium-family browser: the one named, else those installed in the usual places, else
 * Playwright's own, else one installed now. Not for: starting it (launch.ts).
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { RondoError } from '@rondo/protocol'

export interface BrowserSearch {
  platform: NodeJS.Platform
  environment: Readonly<Record<string, string | undefined>>
  /** True if a program can be started from this path. */
  isProgram: (path: string) => boolean
  /** Path of Playwright's own Chromium, whether or not it is there. */
  playwrightPath: () => string | undefined
  /** Ways to get a browser when none is there, cheapest first; each gives a path or null. */
  installers: Array<() => Promise<string | null>>
}

/** Newest engines first; all are Chromium underneath, which the data path was measured on. */
const LINUX_NAMES = [
  'google-chrome-stable',
  'google-chrome',
  'chromium',
  'chromium-browser',
  'microsoft-edge-stable',
  'microsoft-edge',
  'google-chrome-beta',
  'google-chrome-unstable',
  'brave-browser',
]
const LINUX_PLACES = [
  '/opt/google/chrome/chrome',
  '/opt/microsoft/msedge/msedge',
  '/usr/lib/chromium/chromium',
  '/snap/bin/chromium',
]
const MAC_APPS = ['Google Chrome', 'Chromium', 'Microsoft Edge', 'Google Chrome Canary', 'Brave Browser']
const WINDOWS_PLACES = [
  'Google\\Chrome\\Application\\chrome.exe',
  'Chromium\\Application\\chrome.exe',
  'Microsoft\\Edge\\Application\\msedge.exe',
]

/** Every place worth looking at, best first. */
export function candidatePaths(search: Pick<BrowserSearch, 'platform' | 'environment'>): string[] {
  const { platform, environment } = search
  if (platform === 'darwin') {
    const homes = ['/Applications', ...(environment['HOME'] ? [`${environment['HOME']}/Applications`] : [])]
    return MAC_APPS.flatMap((app) => homes.map((home) => `${home}/${app}.app/Contents/MacOS/${app}`))
  }
  if (platform === 'win32') {
    const homes = ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap((name) => environment[name] ?? [])
    return WINDOWS_PLACES.flatMap((place) => homes.map((home) => `${home}\\${place}`))
  }
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  return [...LINUX_NAMES.flatMap((name) => folders.map((folder) => join(folder, name))), ...LINUX_PLACES]
}

/**
 * @param given the value of `--browser`, which wins over `CHROME_PATH`
 * @returns path of a program
 * @throws NO_BROWSER naming what was asked for, or what to install
 */
export async function findBrowser(given: string | undefined, search: BrowserSearch): Promise<string> {
  const wanted: Array<[string, string | undefined]> = [
    ['--browser', given],
    ['CHROME_PATH', search.environment['CHROME_PATH'] || undefined],
  ]
  for (const [name, path] of wanted) {
    if (path === undefined) continue
    if (search.isProgram(path)) return path
    throw new RondoError(
      'NO_BROWSER',
      `${name} is ${path}, but no program can be started from there. Give the path of Chrome, Chromium or Edge, or leave ${name} out to have it found.`,
    )
  }
  const found = candidatePaths(search).find(search.isProgram)
  if (found !== undefined) return found
  const own = search.playwrightPath()
  if (own !== undefined && search.isProgram(own)) return own
  for (const install of search.installers) {
    const installed = await install()
    if (installed !== null && search.isProgram(installed)) return installed
  }
  throw new RondoError(
    'NO_BROWSER',
    'No browser was found: install Google Chrome, Chromium or Microsoft Edge (on Debian and Ubuntu: sudo apt-get install chromium), or set CHROME_PATH to one.',
  )
}

/** A file that may be executed by us. */
export function isProgram(path: string): boolean {
  try {
    if (!existsSync(path) || !statSync(path).isFile()) return false
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

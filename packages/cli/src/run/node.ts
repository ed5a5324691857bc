/**
 * What every node of a run does, main or not: finds the browser, starts it, opens one tab a device and tells
 * what goes wrong with them. Not for: servers and the run itself.
 */
import type { WireError } from '@rondo/protocol'
import color from 'picocolors'
import type { RunOptions } from '../args/run-options.ts'
import { findBrowser } from '../browser/find.ts'
import { machineSearch } from '../browser/install.ts'
import type { LaunchedBrowser } from '../browser/launch.ts'
import { openBrowser } from '../browser/session.ts'
import type { Cleanup } from '../process/cleanup.ts'
import type { Screen } from '../terminal/screen.ts'
import { addressesOf, ownInterfaces } from './interfaces.ts'
import { type TabListener, type TabPlan, Tabs } from './tabs.ts'

export interface WindowOptions {
  options: RunOptions
  screen: Screen
  cleanup: Cleanup
}

/** A browser with an empty window for each device of this node. */
export interface OpenWindows {
  executablePath: string
  browser: LaunchedBrowser
  tabs: Tabs
}

export interface TabOptions {
  windows: Promise<OpenWindows>
  plan: TabPlan
  options: RunOptions
  screen: Screen
  cleanup: Cleanup
  /** Something ended that no rank can report by itself: the browser, or a tab before it joined. */
  onLost(error: WireError): void
}

/**
 * Finds the browser and starts it with its windows, in the time that bundling and the server take. Closes with
 * `cleanup`, also if that runs before the browser is there. The promise may be left alone until somebody needs it.
 */
export function openWindows({ options, screen, cleanup }: WindowOptions): Promise<OpenWindows> {
  const opening = async (): Promise<OpenWindows> => {
    const search = machineSearch((line) => screen.line(line))
    const executablePath = await findBrowser(options.browser, search)
    const { headed, accelerator, udpPorts } = options
    const showsAddresses = options.interface !== undefined
    const browser = await openBrowser({ executablePath, headed, accelerator, udpPorts, showsAddresses })
    const tabs = new Tabs(browser.context)
    await tabs.open(options.devices)
    return { executablePath, browser, tabs }
  }
  const windows = opening()
  windows.catch(() => undefined)
  return cleanup.add(windows, async (opened) => (await opened).browser.close())
}

/** Opens so many tabs more, which join by themselves. */
export type OpenMore = (count: number) => Promise<void>

/** Has the windows join the session; they close with `cleanup`. */
export async function openTabs({
  windows,
  plan: given,
  options,
  screen,
  cleanup,
  onLost,
}: TabOptions): Promise<OpenMore> {
  const { browser, executablePath, tabs } = await windows
  let closing = false
  cleanup.add(tabs, async () => {
    closing = true
    await tabs.close()
    await browser.close()
  })
  void browser.gone.then(() => {
    if (!closing) onLost(lost(`The browser ${executablePath} ended`, given))
  })
  const listener: TabListener = {
    onLost: (localRank, how) => onLost(lost(`The tab of local rank ${localRank} ${how}`, given)),
    onPageError: (localRank, message) => screen.line(color.yellow(`[tab ${localRank}] ${message}`)),
    onPageConsole: (localRank, text) => {
      if (options.debug === 'detail') screen.debug(color.dim(`[tab ${localRank}] ${text}`))
    },
  }
  const wish = options.interface
  const iceAddresses = wish === undefined ? null : addressesOf(wish, ownInterfaces())
  const plan = { ...given, iceAddresses }
  await tabs.load(plan, listener)
  return async (count) => {
    await tabs.open(count)
    await tabs.load(plan, listener)
  }
}

function lost(what: string, plan: TabPlan): WireError {
  return {
    code: 'RANK_LOST',
    name: 'RondoError',
    message: `${what} in the middle of session ${plan.session}. Run the command again; rondo doctor shows what works here.`,
    node: plan.label,
  }
}

/**
 * What every node of a run does, main or not: finds the browser, starts it, opens one tab a device and tells
 * what goes wrong with them. Not for: servers and the run itself.
 */
import type { WireError } from '@rondo/protocol'
import color from 'picocolors'
import type { RunOptions } from '../args/run-options.ts'
import { findBrowser } from '../browser/find.ts'
import { machineSearch } from '../browser/install.ts'
import { openBrowser } from '../browser/session.ts'
import type { Cleanup } from '../process/cleanup.ts'
import type { Screen } from '../terminal/screen.ts'
import { type TabPlan, Tabs } from './tabs.ts'

export interface NodeOptions {
  options: RunOptions
  plan: TabPlan
  executablePath: string
  screen: Screen
  cleanup: Cleanup
  /** Something ended that no rank can report by itself: the browser, or a tab before it joined. */
  onLost(error: WireError): void
}

/** Path of the browser that `options` asks for or that is found. */
export function browserFor(options: RunOptions, screen: Screen): Promise<string> {
  return findBrowser(
    options.browser,
    machineSearch((line) => screen.line(line)),
  )
}

/** Starts the browser and its tabs; both close with `cleanup`. */
export async function openTabs(node: NodeOptions): Promise<void> {
  const { options, plan, screen, cleanup } = node
  const browser = await openBrowser({
    executablePath: node.executablePath,
    headed: options.headed,
    accelerator: options.accelerator,
    probeUrl: `${plan.origin}/healthz`,
  })
  let closing = false
  cleanup.add(browser, () => {
    closing = true
    return browser.close()
  })
  void browser.gone.then(() => {
    if (!closing) node.onLost(lost(`The browser ${node.executablePath} ended`, plan))
  })
  const tabs = cleanup.add(new Tabs(browser.context), (opened) => opened.close())
  await tabs.open(plan, {
    onLost: (localRank, how) => node.onLost(lost(`The tab of local rank ${localRank} ${how}`, plan)),
    onPageError: (localRank, message) => screen.line(color.yellow(`[tab ${localRank}] ${message}`)),
    onPageConsole: (localRank, text) => {
      if (options.debug === 'detail') screen.line(color.dim(`[tab ${localRank}] ${text}`))
    },
  })
}

function lost(what: string, plan: TabPlan): WireError {
  return {
    code: 'RANK_LOST',
    name: 'RondoError',
    message: `${what} in the middle of session ${plan.session}. Run the command again; rondo doctor shows what works here.`,
    node: plan.label,
  }
}

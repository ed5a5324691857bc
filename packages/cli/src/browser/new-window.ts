/**
 * Opens pages in windows of their own. Chromium lowers the process priority of tabs that share a window with a
 * visible one (nice 5 on Linux, whatever the backgrounding flags say), and in a lock-step ring the slowest rank
 * sets everyone's pace; seen with Chromium 156. Delete when tabs of one window keep their priority.
 */
import type { BrowserContext, Page } from 'playwright-core'

/** Milliseconds for an empty window to appear on a busy machine. */
const WINDOW_TIMEOUT_MS = 30_000

/** Contexts whose first page, which a browser opens by itself, has been given away. */
const begun = new WeakSet<BrowserContext>()

/** One call at a time for a context: a new page is known only by being the next to appear. */
export async function newWindow(context: BrowserContext): Promise<Page> {
  const first = context.pages()[0]
  const browser = context.browser()
  if (!first || !browser) return context.newPage()
  if (!begun.has(context)) {
    begun.add(context)
    if (context.pages().length === 1 && first.url() === 'about:blank') return first
  }
  const session = await context.newCDPSession(first)
  const { targetInfo } = await session.send('Target.getTargetInfo')
  await session.detach()
  const control = await browser.newBrowserCDPSession()
  try {
    const appears = context.waitForEvent('page', { timeout: WINDOW_TIMEOUT_MS })
    const created = control.send('Target.createTarget', {
      url: 'about:blank',
      newWindow: true,
      ...(targetInfo.browserContextId ? { browserContextId: targetInfo.browserContextId } : {}),
    })
    const [page] = await Promise.all([appears, created])
    return page
  } finally {
    await control.detach()
  }
}

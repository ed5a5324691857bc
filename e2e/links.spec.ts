/**
 * Links in real Chromium: every carrier keeps the link contract, a dead tab or worker is seen at the other
 * end, and pairs take the carrier they should. Not for: collectives or training on top of links.
 */
import { type BrowserContext, expect, test } from '@playwright/test'
import type { Carrier, ProcessGroupBackend } from '@rondo/protocol'
import { linkContract } from '@rondo/transport/link-contract'
import { findBrowser } from '../packages/cli/src/browser/find.ts'
import { machineSearch } from '../packages/cli/src/browser/install.ts'
import { launchBrowser } from '../packages/cli/src/browser/launch.ts'
import { LinksLab, type LinksTab, seatsOn } from './support/links-lab.ts'
import type { StartOptions } from './support/links-messages.ts'

const CONNECT_MS = 30_000
const MiB = 1_048_576

let lab: LinksLab
let runs = 0
test.beforeAll(async () => {
  lab = await LinksLab.open()
})
test.afterAll(() => lab.close())

/** One rank on each of `tabs`, all linked. */
async function link(tabs: LinksTab[], backend: ProcessGroupBackend, more: Partial<StartOptions> = {}) {
  runs += 1
  const common = { runId: `run-${runs}`, generation: 1, seats: seatsOn(tabs), backend, timeoutMs: CONNECT_MS, ...more }
  const distinct = [...new Set(tabs)]
  const ranksOf = (tab: LinksTab) => tabs.flatMap((other, rank) => (other === tab ? [rank] : []))
  await Promise.all(distinct.map((tab) => tab.own(ranksOf(tab))))
  const links = await Promise.all(distinct.map((tab) => tab.start({ ...common, ranks: ranksOf(tab) })))
  return { runId: common.runId, links: Object.assign({}, ...links) as Awaited<ReturnType<LinksTab['start']>> }
}

async function keepsContract(left: LinksTab, right: LinksTab, largeBytes: number): Promise<void> {
  for (const { name } of linkContract(largeBytes)) {
    await test.step(name, () =>
      Promise.all([
        left.ask(0, { task: 'contract', peer: 1, name, side: 'left', largeBytes }),
        right.ask(1, { task: 'contract', peer: 0, name, side: 'right', largeBytes }),
      ]),
    )
  }
}

const pagesFor = (context: BrowserContext, count: number, isolated?: boolean) =>
  Promise.all(Array.from({ length: count }, () => lab.openPage(context, isolated)))

for (const { carrier, backend, pages, isolated, more } of [
  { carrier: 'shared', backend: 'auto', pages: 1 },
  { carrier: 'local', backend: 'auto', pages: 1, isolated: false },
  { carrier: 'port', backend: 'auto', pages: 2 },
  { carrier: 'webrtc', backend: 'webrtc', pages: 2 },
  { carrier: 'webrtc', backend: 'webrtc', pages: 1 },
  { carrier: 'webrtc', backend: 'webrtc', pages: 2, more: { connections: 4 } },
  { carrier: 'webrtc', backend: 'webrtc', pages: 2, more: { withoutTransfer: true } },
  { carrier: 'webrtc', backend: 'webrtc', pages: 2, more: { withoutTransfer: true, connections: 3 } },
  { carrier: 'relay', backend: 'relay', pages: 2 },
] as Array<{
  carrier: Carrier
  backend: ProcessGroupBackend
  pages: number
  isolated?: boolean
  more?: Partial<StartOptions>
}>) {
  const { connections, withoutTransfer } = more ?? {}
  const how = `${connections ? ` over ${connections} connections` : ''}${withoutTransfer ? ' through the page pump' : ''}`
  test(`a ${carrier} link between ${pages === 1 ? 'workers of one page' : 'two tabs'}${how} keeps the contract`, async ({
    context,
  }) => {
    const tabs = await pagesFor(context, pages, isolated)
    const [left, right = left] = tabs as [LinksTab, LinksTab?]
    const { links } = await link([left, right], backend, more)
    expect(links[0]?.[1]).toMatchObject({ carrier, closed: false })
    expect(links[1]?.[0]).toMatchObject({ carrier, closed: false })
    if (connections) {
      const all = { timeout: CONNECT_MS }
      await expect.poll(() => left.stats(0, 1), all).toMatchObject({ connections })
      await expect.poll(() => right.stats(1, 0), all).toMatchObject({ connections })
    }
    await keepsContract(left, right, (carrier === 'relay' || how || pages === 1 ? 8 : 64) * MiB)
    if (carrier === 'webrtc') expect(links[0]?.[1]?.candidateType).toBe('host')
  })
}

test('tabs of a plain profile send large frames through a shared file, and keep the contract', async () => {
  const executablePath = await findBrowser(undefined, machineSearch(console.error))
  const browser = await launchBrowser({ executablePath, headed: false, softwareWebGpu: false })
  try {
    const [left, right] = (await pagesFor(browser.context, 2)) as [LinksTab, LinksTab]
    await link([left, right], 'port')
    for (const [tab, rank] of [
      [left, 0],
      [right, 1],
    ] as const) {
      await expect.poll(async () => (await tab.stats(rank, 1 - rank)).copies, { timeout: CONNECT_MS }).toBe(true)
    }
    await keepsContract(left, right, 64 * MiB)
  } finally {
    await browser.close()
  }
})

for (const backend of ['port', 'webrtc', 'relay'] as const) {
  test(`a closed tab and a killed worker are seen at the other end of a ${backend} link`, async ({ context }) => {
    const [watcher, closing, killing] = (await pagesFor(context, 3)) as [LinksTab, LinksTab, LinksTab]
    await link([watcher, closing, killing], backend)
    const ends = [watcher.end(0, 1), watcher.end(0, 2)] as const
    const at = Date.now()
    await Promise.all([closing.page.close(), killing.page.evaluate(() => linksPage.terminate(2))])
    for (const end of await Promise.all(ends)) {
      expect(end.clean).toBe(false)
      expect(end.at - at).toBeLessThan(5_000)
    }
    expect(await watcher.stats(0, 1)).toMatchObject({ closed: true })
  })
}

test('a killed worker is seen by the workers of its page that share memory with it', async ({ context }) => {
  const tab = await lab.openPage(context)
  await link([tab, tab], 'port')
  const end = tab.end(0, 1)
  const at = Date.now()
  await tab.page.evaluate(() => linksPage.terminate(1))
  expect(await end).toMatchObject({ clean: false, reason: expect.stringContaining('rank 1') })
  expect((await end).at - at).toBeLessThan(5_000)
  expect(await tab.stats(0, 1)).toMatchObject({ carrier: 'shared', closed: true })
})

test('a tab that is closed in another browser is seen over webrtc', async ({ context, browser }) => {
  const elsewhere = await browser.newContext()
  const [watcher, closing] = [await lab.openPage(context), await lab.openPage(elsewhere)]
  await link([watcher, closing], 'webrtc')
  const end = watcher.end(0, 1)
  const at = Date.now()
  await closing.page.close({ runBeforeUnload: true })
  expect(await end).toMatchObject({ clean: false })
  expect((await end).at - at).toBeLessThan(5_000)
  await elsewhere.close()
})

test('a crashed tab is seen by all who had links to it', async ({ context }) => {
  const tabs = (await pagesFor(context, 3)) as [LinksTab, LinksTab, LinksTab]
  await link(tabs, 'auto')
  const ends = [tabs[0].end(0, 2), tabs[1].end(1, 2)]
  void tabs[2].page.goto('chrome://crash').catch(() => {})
  for (const end of await Promise.all(ends))
    expect(end).toMatchObject({ clean: false, reason: expect.stringContaining('rank 2') })
})

test('auto takes the cheapest carrier of every pair', async ({ context, browser }) => {
  const elsewhere = await browser.newContext()
  const [first, second] = (await pagesFor(context, 2)) as [LinksTab, LinksTab]
  const third = await lab.openPage(elsewhere)
  const { links } = await link([first, first, second, third], 'auto')
  const carriers = (rank: number) => Object.values(links[rank] ?? {}).map((facts) => facts.carrier)
  expect(carriers(0)).toEqual(['shared', 'port', 'webrtc'])
  expect(carriers(1)).toEqual(['shared', 'port', 'webrtc'])
  expect(carriers(2)).toEqual(['port', 'port', 'webrtc'])
  expect(carriers(3)).toEqual(['webrtc', 'webrtc', 'webrtc'])
  await elsewhere.close()
})

test('auto falls back to the relay where ICE finds no way, webrtc fails and names the pair', async ({ browser }) => {
  const contexts = await Promise.all([browser.newContext(), browser.newContext()])
  const tabs = await Promise.all(contexts.map((context) => lab.openPage(context)))
  const blocked = { withoutCandidates: true, iceTimeoutMs: 1_500 }
  const { links } = await link(tabs, 'auto', blocked)
  expect([links[0]?.[1]?.carrier, links[1]?.[0]?.carrier]).toEqual(['relay', 'relay'])
  await expect(link(tabs, 'webrtc', blocked)).rejects.toThrow(/No link could be made between rank . \(lab\) and rank ./)
  await Promise.all(contexts.map((context) => context.close()))
})

test('ports do not reach another browser', async ({ context, browser }) => {
  const elsewhere = await browser.newContext()
  const tabs = [await lab.openPage(context), await lab.openPage(elsewhere)]
  await expect(link(tabs, 'port')).rejects.toThrow(/'port' cannot join rank . \(lab\) and rank . \(lab\)/)
  await elsewhere.close()
})

test('a rank whose peer never starts names it at the deadline', async ({ context }) => {
  const [present, absent] = (await pagesFor(context, 2)) as [LinksTab, LinksTab]
  const options = { runId: 'lonely', generation: 1, seats: seatsOn([present, absent]), ranks: [0], timeoutMs: 3_000 }
  await expect(present.start({ ...options, backend: 'auto' })).rejects.toThrow(
    /No link stands after 3 s between rank 0 \(lab\) and rank 1 \(lab\) \(port: no answer yet\)/,
  )
})

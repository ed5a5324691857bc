/**
 * Brokers and workers' `acceptLinks` in one thread, over Node's MessagePorts and a hub for signals. Node has
 * no WebRTC, which stands for a browser where it does not work. Real WebRTC: e2e/links.spec.ts.
 */
import { type ProcessGroupBackend, type Relay, RondoError, type Seat, type Signal } from '@rondo/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import type { Link } from '../link.ts'
import { acceptLinks } from '../worker/accept-links.ts'
import { LinkBroker } from './link-broker.ts'
import type { LinkSignaling } from './link-signaling.ts'

const never = new AbortController().signal
const brokers: LinkBroker[] = []
afterEach(() => {
  for (const broker of brokers.splice(0)) broker.dispose()
})

/** Passes signals and relay messages between pages by rank; `lost` may swallow some. */
class Hub {
  readonly pages = new Map<string, Map<string, Set<(message: never) => void>>>()
  constructor(
    readonly pageOf: (rank: number) => string,
    readonly lost: (message: Signal | Relay) => boolean = () => false,
  ) {}

  signaling(page: string): LinkSignaling {
    const listeners = new Map([
      ['signal', new Set<(message: never) => void>()],
      ['relay', new Set<(message: never) => void>()],
    ])
    this.pages.set(page, listeners)
    return {
      request: async (event: 'signal' | 'relay', message: Signal | Relay) => {
        if (!this.lost(message)) this.send(event, message)
      },
      on: (event: 'signal' | 'relay', listener: (message: never) => void) => {
        listeners.get(event)?.add(listener)
        return () => void listeners.get(event)?.delete(listener)
      },
    }
  }

  send(event: 'signal' | 'relay', message: Signal | Relay): void {
    for (const listener of this.pages.get(this.pageOf(message.to))?.get(event) ?? []) listener(message as never)
  }
}

const seat = (rank: number, pageId: string): Seat => ({
  rank,
  nodeRank: 0,
  localRank: rank,
  memberId: `m${rank}`,
  pageId,
  browserId: null,
  nodeId: 'n',
  nodeLabel: `node of ${rank}`,
  state: 'starting',
  lastSeen: null,
})

interface Setup {
  backend?: ProcessGroupBackend
  timeoutMs?: number
  generation?: number
  runId?: string
  signal?: AbortSignal
}

/** One rank per entry of `pages`; entries of the same name share a page. */
function setUp(pages: string[], lost?: (message: Signal | Relay) => boolean) {
  const hub = new Hub((rank) => pages[rank] as string, lost)
  const byPage = new Map<string, LinkBroker>()
  for (const page of new Set(pages)) {
    const broker = new LinkBroker({ signaling: hub.signaling(page), browserId: null })
    brokers.push(broker)
    byPage.set(page, broker)
  }
  const seats = pages.map((page, rank) => seat(rank, page))
  const connect = (rank: number, options: Setup = {}) => {
    const { backend = 'auto', timeoutMs = 5_000, generation = 1, runId = 'run', signal = never } = options
    const { port1, port2 } = new MessageChannel()
    const links = acceptLinks(port2, { rank, worldSize: seats.length, signal: never, timeoutMs: 2 * timeoutMs })
    const broker = byPage.get(pages[rank] as string) as LinkBroker
    const made = broker.connect({ runId, generation, seats, backend }, rank, port1, { signal, timeoutMs })
    links.catch(() => {})
    made.catch(() => {})
    return { links, made }
  }
  return { hub, connect, broker: (page: string) => byPage.get(page) as LinkBroker }
}

const carriers = async (links: Promise<Map<number, Link>>) =>
  Object.fromEntries([...(await links)].map(([peer, link]) => [peer, link.carrier]))

async function exchange(a: Promise<Map<number, Link>>, from: number, b: Promise<Map<number, Link>>, to: number) {
  const received = (await b).get(from) as Link
  const frame = new Promise<number[]>((resolve) => {
    received.onFrame = (bytes) => resolve([...bytes])
  })
  await (await a).get(to)?.send(new Uint8Array([from, to]))
  expect(await frame).toEqual([from, to])
}

describe('a link broker', () => {
  it('joins ranks of one page by shared memory, and others by the relay where WebRTC does not work', async () => {
    const { connect } = setUp(['a', 'a', 'b'])
    const ranks = [connect(0), connect(1), connect(2)]
    await Promise.all(ranks.map(({ made }) => made))
    const [first, second, third] = ranks.map(({ links }) => links) as [
      Promise<Map<number, Link>>,
      Promise<Map<number, Link>>,
      Promise<Map<number, Link>>,
    ]
    expect(await carriers(first)).toEqual({ 1: 'shared', 2: 'relay' })
    expect(await carriers(third)).toEqual({ 0: 'relay', 1: 'relay' })
    await exchange(first, 0, second, 1)
    await exchange(second, 1, third, 2)
    await exchange(third, 2, first, 0)
  })

  it('waits for pages that start later', async () => {
    const { connect } = setUp(['a', 'b'])
    const first = connect(0, { backend: 'relay' })
    await new Promise((resolve) => setTimeout(resolve, 30))
    const second = connect(1, { backend: 'relay' })
    await Promise.all([first.made, second.made])
    await exchange(second.links, 1, first.links, 0)
  })

  it('fails with the pair, its nodes and the reason when a pinned carrier does not work', async () => {
    const { connect } = setUp(['a', 'b'])
    const ranks = [connect(0, { backend: 'webrtc' }), connect(1, { backend: 'webrtc' })]
    for (const [rank, { made, links }] of ranks.entries()) {
      const expected = { code: 'LINK_FAILED', rank, details: { missing: [1 - rank] } }
      await expect(made).rejects.toMatchObject(expected)
      await expect(made).rejects.toThrow(
        new RegExp(`rank ${rank} \\(node of ${rank}\\) and rank ${1 - rank} .*webrtc:`),
      )
      await expect(links).rejects.toMatchObject(expected)
    }
  })

  it('names what is missing at the deadline', async () => {
    const { connect } = setUp(['a', 'a', 'b'])
    const [first] = [connect(0, { timeoutMs: 1_000 }), connect(1, { timeoutMs: 1_000 })]
    await expect(first?.made).rejects.toThrow(/after 1 s between rank 0 \(node of 0\) and rank 2 \(node of 2\) \(/)
    await expect(first?.links).rejects.toMatchObject({ details: { missing: [2] } })
  })

  it('ignores signals of older generations and of strangers', async () => {
    const { connect, hub } = setUp(['a', 'b'])
    const older = { runId: 'run', generation: 1, from: 0, to: 1 }
    const ranks = [0, 1].map((rank) => connect(rank, { backend: 'relay', generation: 2 }))
    await new Promise((resolve) => setTimeout(resolve, 10))
    hub.send('signal', { ...older, data: { step: 'advance', attempt: 1, reason: 'an old run' } })
    hub.send('relay', { ...older, frame: new Uint8Array([1, 2, 3]) })
    hub.send('signal', { ...older, generation: 2, from: 9, data: { step: 'advance', attempt: 1, reason: '' } })
    hub.send('signal', { ...older, generation: 2, data: { step: 'dance' } })
    await Promise.all(ranks.map(({ made }) => made))
    expect(await carriers(ranks[1]?.links as Promise<Map<number, Link>>)).toEqual({ 0: 'relay' })
  })

  it('stops on abort, in the worker too', async () => {
    const { connect } = setUp(['a', 'b'])
    const abort = new AbortController()
    const { made, links } = connect(0, { signal: abort.signal })
    abort.abort()
    await expect(made).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(links).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('ends relayed links for both sides when one page closes the run', async () => {
    const { connect, broker } = setUp(['a', 'b'])
    const ranks = [connect(0, { backend: 'relay' }), connect(1, { backend: 'relay' })]
    const link = (await ranks[0]?.links)?.get(1) as Link
    const end = new Promise((resolve) => {
      link.onEnd = resolve
    })
    await Promise.all(ranks.map(({ made }) => made))
    broker('b').closeRun('run')
    expect(await end).toMatchObject({ clean: false })
  })

  it('makes nothing for a world of one', async () => {
    const { connect } = setUp(['a'])
    const { made, links } = connect(0)
    await made
    expect((await links).size).toBe(0)
  })
})

it('RondoError crosses from page to worker as one', async () => {
  const { connect } = setUp(['a', 'b'])
  const { links } = connect(0, { backend: 'port' })
  await expect(links).rejects.toBeInstanceOf(RondoError)
})

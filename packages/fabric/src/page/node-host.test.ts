/**
 * Commands on their way through a page: to the ranks that they name, once, and refused when the run is gone. And the
 * short way to a controller on the same page, with and without a server.
 */
import type { RankEvent, RunStart, ServerEvent } from '@rondo/protocol'
import type { SignalingClient } from '@rondo/transport'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { FromRank, ToRank } from '../rank/messages.ts'
import { configOf } from '../testing/ranks.ts'
import { NodeHost } from './node-host.ts'

/** What Node lacks of a browser: workers that only remember what they were told. */
class RememberingWorker {
  static made: RememberingWorker[] = []
  readonly told: ToRank[] = []
  onmessage: ((message: { data: FromRank }) => void) | null = null
  constructor() {
    RememberingWorker.made.push(this)
  }
  postMessage(message: ToRank): void {
    this.told.push(message)
  }
  terminate(): void {}
}

const listeners = new Map<ServerEvent, (payload: never) => void>()
/** What went to the server, and how it answers. */
const sent: RankEvent[] = []
const line = { state: 'connected', answer: async (): Promise<null> => null }
const client = {
  get state() {
    return line.state
  },
  on: (event: ServerEvent, listener: (payload: never) => void) => {
    listeners.set(event, listener)
    return () => listeners.delete(event)
  },
  onConnection: () => () => {},
  request: async (_event: string, { event }: { event: RankEvent }) => {
    sent.push(event)
    return line.answer()
  },
  notify: () => {},
} as unknown as SignalingClient

const say = (event: ServerEvent, payload: unknown): void => listeners.get(event)?.(payload as never)
const start: RunStart = { runId: 'r', generation: 3, config: configOf(1), seats: [], yours: [4, 6] }
const command = (commandId: string, ranks: number[]) => ({
  runId: 'r',
  generation: 3,
  commandId,
  ranks,
  data: commandId,
})
const commandsOf = (i: number): unknown[] =>
  (RememberingWorker.made[i]?.told ?? []).flatMap((message) => (message.type === 'command' ? [message.data] : []))

let host: NodeHost
beforeEach(() => {
  RememberingWorker.made = []
  sent.length = 0
  Object.assign(line, { state: 'connected', answer: async () => null })
  Object.assign(globalThis, { Worker: RememberingWorker, location: { origin: 'http://localhost' } })
  host = new NodeHost({ client, browserId: null, uploadToken: 't' })
  say('run:start', start)
})
afterEach(() => {
  host.dispose()
  for (const name of ['Worker', 'location']) Reflect.deleteProperty(globalThis, name)
})

it('gives each rank its own, in order, after the worker’s init', () => {
  say('run:command', command('a', [4, 6]))
  say('run:command', command('b', [6]))
  expect([commandsOf(0), commandsOf(1)]).toEqual([['a'], ['a', 'b']])
  expect(RememberingWorker.made[0]?.told[0]?.type).toBe('init')
})

it('takes one that is said again only once', () => {
  for (let i = 0; i < 3; i++) say('run:command', command('a', [4]))
  expect(commandsOf(0)).toEqual(['a'])
})

it('refuses one for a run or generation that does not go on here', () => {
  for (const other of [{ runId: 'other' }, { generation: 2 }]) {
    expect(() => say('run:command', { ...command('a', [4]), ...other })).toThrow(/does not go on here/)
  }
  host.dispose()
  expect(listeners.size).toBe(0)
})

it('counts ids anew for each run', () => {
  say('run:command', command('a', [4]))
  say('run:start', { ...start, runId: 's', generation: 4 })
  say('run:command', { ...command('a', [4]), runId: 's', generation: 4 })
  expect(commandsOf(2)).toEqual(['a'])
})

const says = (i: number, data: FromRank): void => RememberingWorker.made[i]?.onmessage?.({ data })
const prints = (text: string): FromRank => ({ type: 'event', event: { kind: 'console', level: 'log', text } })

it('lets a controller on this page hear its ranks at once, and nobody else’s', () => {
  const heard: string[] = []
  const listen = (runId: string) =>
    host.hear(runId, { onEvent: (rank, { kind }) => heard.push(`${runId} ${rank} ${kind}`), onStop: () => {} })
  listen('other')
  const stop = listen('r')
  says(1, prints('here'))
  stop()
  says(1, prints('nobody listens'))
  expect(heard).toEqual(['r 6 console'])
  expect(sent).toHaveLength(2)
})

it('keeps what ranks print from a server that is away, but not how they end', () => {
  line.state = 'reconnecting'
  says(0, prints('without a controller here it waits for the server'))
  host.hear('r', { onEvent: () => {}, onStop: () => {} })
  says(0, prints('heard already'))
  says(0, { type: 'event', event: { kind: 'ready', links: [] } })
  expect(sent.map(({ kind }) => kind)).toEqual(['console', 'ready'])
})

it('fails a rank whose words the server refuses, unless its controller has heard them here', async () => {
  line.answer = () => Promise.reject(new Error('refused'))
  host.hear('r', { onEvent: () => {}, onStop: () => {} })
  says(0, prints('heard'))
  await new Promise((resolve) => setTimeout(resolve))
  expect(sent.map(({ kind }) => kind)).toEqual(['console'])
  say('run:start', { ...start, runId: 's', generation: 4 })
  says(2, prints('not heard'))
  await new Promise((resolve) => setTimeout(resolve))
  expect(sent.slice(0, 3).map(({ kind }) => kind)).toEqual(['console', 'console', 'error'])
})

it('hands files over once, and forgets them with their run', () => {
  const bytes = new ArrayBuffer(3)
  says(0, { type: 'file', name: 'result', bytes })
  expect(host.takeFile('other', 'result')).toBeNull()
  expect(host.takeFile('r', 'result')).toBe(bytes)
  expect(host.takeFile('r', 'result')).toBeNull()
  says(0, { type: 'file', name: 'late', bytes })
  host.dispose()
  expect(host.takeFile('r', 'late')).toBeNull()
})

it('tells of the end before the ranks do, once', () => {
  const heard: string[] = []
  host.hear('r', { onEvent: (rank) => heard.push(`rank ${rank}`), onStop: (reason) => heard.push(reason) })
  void host.stopRun('r', 'enough', null)
  say('run:stop', { runId: 'r', generation: 3, reason: 'again', error: null })
  says(0, prints('tidying up'))
  expect(heard).toEqual(['enough', 'rank 4'])
})

it('lets a rank go on in a larger world: its worker stays', () => {
  const growable = { ...start, runId: 'grows', config: { ...configOf(1), growable: true }, yours: [0] }
  say('run:start', growable)
  const made = RememberingWorker.made.length
  const worker = RememberingWorker.made.at(-1)
  say('run:start', { ...growable, generation: 9 })
  expect(RememberingWorker.made).toHaveLength(made)
  expect(worker?.told.map((message) => message.type)).toEqual(['init', 'grow'])
  expect(worker?.told[1]).toMatchObject({ start: { generation: 9 } })
  // A run that keeps its size is started anew instead.
  say('run:start', { ...start, generation: 10 })
  say('run:start', { ...start, generation: 11 })
  expect(RememberingWorker.made).toHaveLength(made + 4)
})

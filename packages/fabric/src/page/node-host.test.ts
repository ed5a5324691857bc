/** Commands on their way through a page: to the ranks that they name, once, and refused when the run is gone. */
import type { RunStart, ServerEvent } from '@rondo/protocol'
import type { SignalingClient } from '@rondo/transport'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ToRank } from '../rank/messages.ts'
import { configOf } from '../testing/ranks.ts'
import { NodeHost } from './node-host.ts'

/** What Node lacks of a browser: workers that only remember what they were told. */
class RememberingWorker {
  static made: RememberingWorker[] = []
  readonly told: ToRank[] = []
  constructor() {
    RememberingWorker.made.push(this)
  }
  postMessage(message: ToRank): void {
    this.told.push(message)
  }
  terminate(): void {}
}

const listeners = new Map<ServerEvent, (payload: never) => void>()
const client = {
  on: (event: ServerEvent, listener: (payload: never) => void) => {
    listeners.set(event, listener)
    return () => listeners.delete(event)
  },
  onConnection: () => () => {},
  request: async () => null,
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

/** Commands of a controller to the ranks of its run, messages back, and slots that it chose. */
import { MAX_COMMAND_BYTES, MAX_RESULT_BYTES, type RunCommand, type ServerEvents } from '@rondo/protocol'
import type { SignalingClient } from '@rondo/transport'
import { describe, expect, it } from 'vitest'
import { configOf, joinOf, type Lab, next, reportOf, startLab, startPair, until } from './testing/fixtures.ts'

const commandOf = (command: Partial<RunCommand> = {}): RunCommand => ({
  runId: 'run-1',
  commandId: 'c1',
  ranks: null,
  data: { do: 'launch' },
  ...command,
})

/** Everything of that name that a client hears from now on. */
function heard<E extends 'run:command' | 'run:event'>(client: SignalingClient, event: E): Array<ServerEvents[E]> {
  const all: Array<ServerEvents[E]> = []
  client.on(event, (payload) => {
    all.push(payload)
  })
  return all
}

describe('commands', () => {
  it('reach every page that runs one of the ranks, and are acknowledged when they have it', async () => {
    const lab = await startLab()
    const { controller, pages, at } = await startPair(lab)
    const [first, second] = pages.map((page) => heard(page, 'run:command'))
    await controller.request('run:command', commandOf())
    expect(first).toEqual([{ ...at, commandId: 'c1', ranks: [0], data: { do: 'launch' } }])
    expect(second).toMatchObject([{ ranks: [1] }])
    await controller.request('run:command', commandOf({ commandId: 'c2', ranks: [1], data: null }))
    expect(first).toHaveLength(1)
    expect(second?.[1]).toMatchObject({ commandId: 'c2', ranks: [1], data: null })
  })

  it('come in the order in which they were sent, to ranks of one page together', async () => {
    const lab = await startLab()
    const controller = await lab.controller()
    const page = await lab.page('p', { slots: 3 })
    await controller.request('run:open', { config: configOf(), nodes: null })
    const commands = heard(page, 'run:command')
    const ids = Array.from({ length: 50 }, (_, i) => `c${i}`)
    await Promise.all(ids.map((commandId) => controller.request('run:command', commandOf({ commandId }))))
    expect(commands.map((command) => command.commandId)).toEqual(ids)
    expect(commands[0]?.ranks).toEqual([0, 1, 2])
  })

  it('name the ranks whose page did not take them', async () => {
    const lab = await startLab()
    const { controller, pages } = await startPair(lab)
    heard(pages[0], 'run:command')
    pages[1].on('run:command', () => {
      throw new Error('this run does not go on here')
    })
    const refused = controller.request('run:command', commandOf())
    await expect(refused).rejects.toMatchObject({ code: 'CONNECTION_LOST', details: { ranks: [1] } })
    await expect(refused).rejects.toThrow(/page of rank 1 does not run it any more.*same commandId/)
  })

  it('are told at once when the page goes while it has the command', async () => {
    const lab = await startLab()
    const { controller, pages } = await startPair(lab)
    heard(pages[0], 'run:command')
    pages[1].on('run:command', () => {
      pages[1].close()
      return new Promise(() => {})
    })
    await expect(controller.request('run:command', commandOf())).rejects.toThrow(/page of rank 1 is not connected/)
  })

  it.each([
    ['a page', 'page', 'BAD_TOKEN'],
    ['an agent with the join token', 'agent', 'BAD_TOKEN'],
  ] as const)('are refused from %s', async (_, role, code) => {
    const lab = await startLab()
    const { pages } = await startPair(lab)
    const commands = heard(pages[0], 'run:command')
    const other = role === 'page' ? pages[1] : await lab.connect('agent', lab.joinToken)
    await expect(other.request('run:command', commandOf())).rejects.toMatchObject({ code })
    expect(commands).toEqual([])
  })

  it('are refused for a run that is not running', async () => {
    const lab = await startLab()
    const controller = await lab.controller()
    const send = (command = commandOf()) => controller.request('run:command', command)
    await expect(send()).rejects.toMatchObject({ code: 'UNKNOWN_RUN', message: expect.stringContaining('no run') })
    await controller.request('run:open', { config: configOf(), nodes: [1] })
    await expect(send()).rejects.toThrow(/which is waiting/)
    await expect(send(commandOf({ runId: 'other' }))).rejects.toMatchObject({ code: 'UNKNOWN_RUN' })
    await controller.request('run:stop', { runId: 'run-1', reason: 'enough' })
    await expect(send()).rejects.toThrow(/which is stopped/)
  })

  it.each([
    ['a rank that is not there', [0, 7]],
    ['a rank named twice', [1, 1]],
  ])('are refused for %s, with the range', async (_, ranks) => {
    const { controller } = await startPair(await startLab())
    const refused = controller.request('run:command', commandOf({ ranks }))
    await expect(refused).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    await expect(refused).rejects.toThrow(/has 0 to 1/)
  })

  it('are refused for ranks that have ended, and leave those out when nobody is named', async () => {
    const { controller, pages, at } = await startPair(await startLab())
    const commands = heard(pages[1], 'run:command')
    await pages[0].request('rank:event', { ...at, rank: 0, event: { kind: 'done', report: reportOf(0) } })
    await expect(controller.request('run:command', commandOf({ ranks: [0, 1] }))).rejects.toMatchObject({
      code: 'RANK_LOST',
      details: { ranks: [0] },
    })
    await controller.request('run:command', commandOf())
    expect(commands).toHaveLength(1)
  })

  it.each([
    ['above the bound', { data: 'x'.repeat(MAX_COMMAND_BYTES) }],
    ['above the bound in UTF-8', { data: 'ä'.repeat(MAX_COMMAND_BYTES / 2) }],
    ['with an empty list of ranks', { ranks: [] }],
    ['with a negative rank', { ranks: [-1] }],
    ['with a bad id', { commandId: '../x' }],
  ])('are refused %s', async (_, change) => {
    const { controller } = await startPair(await startLab())
    await expect(controller.request('run:command', { ...commandOf(), ...change })).rejects.toMatchObject({
      code: 'BAD_MESSAGE',
    })
  })
})

describe('messages of ranks', () => {
  it('reach everyone as they are, also when a line is congested with them', async () => {
    const { controller, pages, at } = await startPair(await startLab())
    const events = heard(controller, 'run:event')
    const data = { job: 3, value: [1, { deep: null }], text: 'x'.repeat(20_000) }
    const say = (n: number) =>
      pages[0].request('rank:event', { ...at, rank: 0, event: { kind: 'message', data: { n, ...data } } })
    await Promise.all(Array.from({ length: 200 }, (_, n) => say(n)))
    await pages[1].request('rank:event', { ...at, rank: 1, event: { kind: 'message', data: 'last' } })
    await until(controller, (s) => s.run?.status === 'running')
    await expect.poll(() => events.length).toBe(201)
    expect(events[7]).toEqual({ ...at, rank: 0, event: { kind: 'message', data: { n: 7, ...data } } })
  })

  it('are refused above the bound and for somebody else’s rank', async () => {
    const { pages, at } = await startPair(await startLab())
    const message = (rank: number, data: unknown) =>
      pages[0].request('rank:event', { ...at, rank, event: { kind: 'message', data } })
    await message(0, 'x'.repeat(MAX_RESULT_BYTES - 2))
    await expect(message(0, 'x'.repeat(MAX_RESULT_BYTES))).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
    await expect(message(1, 'mine')).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
  })
})

describe('a run of chosen members', () => {
  const open = (controller: SignalingClient, members: string[], nodes: number[] | null = null) =>
    controller.request('run:open', { config: configOf(), nodes, members })

  async function threePages(lab: Lab) {
    const controller = await lab.controller()
    const beta = { id: 'beta', label: 'Beta' }
    const pages = [
      await lab.page('a0', { slots: 2 }),
      await lab.page('b0', { node: beta }),
      await lab.page('a1', { slots: 1 }),
    ]
    const { members } = await until(controller, (s) => s.members.length === 4)
    const of = (pageId: string) => members.filter((member) => member.pageId === pageId).map(({ memberId }) => memberId)
    return { controller, pages, of }
  }

  it('seats exactly those, in their order, and starts at once', async () => {
    const { controller, pages, of } = await threePages(await startLab())
    const [a0, a0b] = of('a0') as [string, string]
    const chosen = [...of('b0'), a0b, ...of('a1')]
    const starts = pages.slice(0, 2).map((page) => next(page, 'run:start'))
    const { run } = await open(controller, chosen)
    expect(run.status).toBe('running')
    expect(run.seats.map(({ memberId }) => memberId)).toEqual(chosen)
    expect(run.seats.map(({ rank, nodeRank, localRank, nodeLabel }) => [rank, nodeRank, localRank, nodeLabel])).toEqual(
      [
        [0, 0, 0, 'Beta'],
        [1, 1, 0, 'Alpha'],
        [2, 1, 1, 'Alpha'],
      ],
    )
    expect((await Promise.all(starts)).map(({ yours }) => yours)).toEqual([[1], [0]])
    expect(a0).not.toBe(a0b)
  })

  it('is refused for members that are not there, come twice, or are not grouped by node', async () => {
    const { controller, of } = await threePages(await startLab())
    const [a0, a0b] = of('a0') as [string, string]
    await expect(open(controller, [a0, 'nobody'])).rejects.toMatchObject({
      code: 'NOT_ENOUGH_DEVICES',
      details: { missing: ['nobody'] },
    })
    await expect(open(controller, [a0, a0])).rejects.toThrow(/more than once/)
    await expect(open(controller, [a0, ...of('b0'), a0b])).rejects.toThrow(/grouped by node/)
    await expect(open(controller, [a0], [1])).rejects.toThrow(/nodes: null/)
    await expect(open(controller, [])).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
    expect(controller.snapshot?.run).toBeNull()
  })

  it('leaves the others free to come and go', async () => {
    const { controller, pages, of } = await threePages(await startLab())
    await open(controller, of('b0'))
    pages[0]?.close()
    const { run } = await until(controller, (s) => s.members.length === 2)
    expect(run?.status).toBe('running')
    pages[1]?.close()
    await until(controller, (s) => s.run?.status === 'failed')
    await controller.request('run:open', { config: configOf({ runId: 'run-2' }), nodes: null, members: of('a1') })
    await expect(controller.request('join', joinOf('c0')).then(() => controller.snapshot?.run?.status)).resolves.toBe(
      'running',
    )
  })
})

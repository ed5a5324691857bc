/** Local slots come first, ranks of a node stay together, and refusals say how many slots are here. */
import type { Member, RunState, SessionSnapshot } from '@rondo/protocol'
import { describe, expect, it } from 'vitest'
import { chooseSlots, listSlots } from './slots.ts'

const DEVICE: Member['device'] = {
  adapter: null,
  webgpu: 'none',
  features: [],
  limits: {},
  cores: 4,
  secureContext: true,
  crossOriginIsolated: true,
  userAgent: '',
}

/** `page:slots` in the order of node ranks; a page is a node of its own unless `node/page:slots`. */
function snapshotOf(...pages: string[]): SessionSnapshot {
  const members = pages.flatMap((text, nodeRank) => {
    const [, nodeId = '', pageId = '', slots = ''] = /^(?:(\w+)\/)?(\w+):(\d)$/.exec(text) ?? []
    return Array.from({ length: Number(slots) }, (_, localRank) => ({
      memberId: `${pageId}-${localRank}`,
      pageId,
      browserId: null,
      nodeId: nodeId || pageId,
      nodeLabel: `node of ${pageId}`,
      nodeRank,
      localRank,
      device: DEVICE,
      admitted: true,
      joinedAt: 0,
      lastSeen: 0,
    }))
  })
  return {
    session: 's',
    generation: 1,
    members,
    agents: [],
    controlled: true,
    admission: 'open',
    offer: null,
    run: null,
    serverTime: 0,
  }
}

const slotsOf = (snapshot: SessionSnapshot, localPageId: string | null = 'here') => listSlots({ snapshot, localPageId })
const chosen = (snapshot: SessionSnapshot, devices: unknown) =>
  chooseSlots(slotsOf(snapshot), devices, 'fabric.launch').map(({ memberId }) => memberId)

describe('listSlots', () => {
  it('puts this page first, then its node, then the others in their order', () => {
    const snapshot = snapshotOf('a:1', 'n/tab:1', 'n/here:2', 'b:1')
    expect(slotsOf(snapshot).map(({ memberId }) => memberId)).toEqual(['here-0', 'here-1', 'tab-0', 'a-0', 'b-0'])
    expect(slotsOf(snapshot).map(({ index, local }) => [index, local])).toEqual([
      [0, true],
      [1, true],
      [2, false],
      [3, false],
      [4, false],
    ])
  })

  it('shows seats of a run as busy, but not those of a run that waits for a launch', () => {
    const snapshot = snapshotOf('here:2')
    const run = { runId: 'r', status: 'running', seats: [{ memberId: 'here-1' }] } as unknown as RunState
    const busy = (idleRunId: string | null) =>
      listSlots({ snapshot: { ...snapshot, run }, localPageId: 'here', idleRunId }).map((slot) => slot.busy)
    expect(busy(null)).toEqual([false, true])
    expect(busy('r')).toEqual([false, false])
  })

  it('is empty without a session', () => {
    expect(listSlots({ snapshot: null, localPageId: null })).toEqual([])
  })
})

describe('chooseSlots', () => {
  const snapshot = snapshotOf('a:2', 'here:2', 'b:1')

  it.each([
    [1, ['here-0']],
    [3, ['here-0', 'here-1', 'a-0']],
    ['auto', ['here-0', 'here-1', 'a-0', 'a-1', 'b-0']],
    [null, ['here-0', 'here-1', 'a-0', 'a-1', 'b-0']],
    [-1, ['here-0', 'here-1', 'a-0', 'a-1', 'b-0']],
    [
      [4, 1],
      ['b-0', 'here-1'],
    ],
    ['2,0', ['a-0', 'here-0']],
  ])('reads %j', (devices, expected) => expect(chosen(snapshot, devices)).toEqual(expected))

  it('keeps slots of a node side by side', () => {
    expect(chosen(snapshot, [0, 2, 1, 3])).toEqual(['here-0', 'here-1', 'a-0', 'a-1'])
  })

  it.each([6, [0, 7], '100'])('says how many are here for %j', (devices) => {
    expect(() => chosen(snapshot, devices)).toThrowError(
      expect.objectContaining({
        code: 'NOT_ENOUGH_DEVICES',
        message: expect.stringMatching(
          /^fabric\.launch: devices is .*, but only 5 are here \(2 of this page, 3 of joined machines\)\. Ask for at most 5, .*join/,
        ),
      }),
    )
  })

  it('says so when nothing is here', () => {
    expect(() => chosen(snapshotOf(), 'auto')).toThrow(/no device is here\. Give this page more slots/)
  })

  it.each([0, [], 'two', 1.5, [0, 0]])('refuses %j as no way to name devices', (devices) => {
    expect(() => chosen(snapshot, devices)).toThrowError(expect.objectContaining({ code: 'BAD_DEVICES' }))
  })
})

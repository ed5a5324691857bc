/** What people read in each state: the sentence, the ring and the reasons, from the fixtures. */

import { figures, headlineMetrics, metricText, nodesOf, ringBeat, ringModel } from '@rondo/ui/session'
import { describe, expect, it } from 'vitest'
import { FIXTURES, LOST, NOW, runState, snapshot } from '../dev/fixtures.ts'
import { readParams } from '../params.ts'
import { initialState, reduce } from '../state.ts'
import { explainFailure } from './failure.ts'
import { startable, statusOf } from './status.ts'

const params = readParams('http://192.0.2.10:29400/join/?session=quiet-fox-42#token=t')
const state = (name: string) => FIXTURES[name]!()
const status = (name: string) => statusOf(state(name), params, NOW)

describe('the sentence of the moment', () => {
  it.each([
    ['connecting', 'wait', /^Connecting to http:\/\/192\.0\.2\.10:29400/],
    ['before', 'wait', /invited to session quiet-fox-42/],
    ['gathering', 'wait', /^4 ranks are here, ready to start/],
    ['waiting', 'wait', /^Waiting for 1 rank of 4: rank 2 \(node 1\)\.$/],
    ['running', 'work', /^Training, epoch 2 of 3\.$/],
    ['done', 'ok', /^Done in 1:28\.$/],
    ['failed', 'fail', /^Rank 2 on Studio, 2nd tab is gone\. The run ended at step 411\.$/],
    ['offline', 'warn', /does not answer for 7 s; reconnecting/],
    ['refused', 'fail', /token is not the right one/],
  ])('%s', (name, tone, headline) => {
    expect(status(name)).toMatchObject({ tone, headline: expect.stringMatching(headline) })
    expect(status(name).detail).not.toBe('')
  })

  it('says since when it waits, on the server’s clock', () => {
    expect(status('waiting').detail).toContain('Since 1:35')
  })

  it('tells whether the weights of all ranks agree', () => {
    expect(status('done').detail).toContain('same weights (SHA-256 3fa91c77e0b2')
    const done = state('done')
    const report = done.run!.ranks[1]!.report!
    const other = { ...done.run!.ranks[1]!, report: { ...report, weightsHash: '0'.repeat(64) } }
    const differing = { ...done, run: { ...done.run!, ranks: { ...done.run!.ranks, 1: other } } }
    expect(statusOf(differing, params, NOW).detail).toContain('different weights')
  })

  it('names what is missing in a link', () => {
    const noSession = readParams('http://h/join/')
    expect(statusOf(initialState('p'), noSession, NOW).headline).toContain('names no session')
    const noToken = readParams('http://h/join/?session=quiet-fox-42')
    expect(statusOf(state('refused'), noToken, NOW).headline).toContain('lacks its token')
  })
})

describe('the start button', () => {
  const inside = (change: Parameters<typeof snapshot>[0]) =>
    reduce(initialState('page-c'), { type: 'session', at: NOW, snapshot: snapshot(change) })
  it('is free when somebody controls the session and somebody is here', () => {
    expect(startable(inside({}))).toEqual({ canStart: true, why: '' })
    expect(startable(inside({ run: runState({ status: 'failed' }) })).canStart).toBe(true)
  })
  it.each([
    [{ controlled: false }, /Nobody controls/],
    [{ members: [] }, /Nobody has joined/],
    [{ run: runState() }, /already going on/],
  ])('says why not: %o', (change, why) => {
    expect(startable(inside(change))).toMatchObject({ canStart: false, why: expect.stringMatching(why) })
  })
})

describe('the ring', () => {
  it('shows who is missing, mine, and what carries each link', () => {
    expect(ringModel(state('waiting'), NOW).seats[2]).toMatchObject({ state: 'missing', node: 'node 1' })
    const running = ringModel(state('running'), NOW)
    expect(running.seats.map((seat) => seat.mine)).toEqual([false, false, false, true])
    expect(running.links.map((link) => [link.from, link.to, link.carrier])).toEqual([
      [0, 1, 'local'],
      [1, 2, 'port'],
      [2, 3, 'webrtc'],
      [3, 0, 'relay'],
    ])
  })

  it('crosses out the dead with the last sign of life', () => {
    expect(ringModel(state('failed'), NOW).seats[2]).toMatchObject({ state: 'lost', lastSign: '12 s ago' })
  })

  it('crosses out the one that is gone, not those who noticed it', () => {
    const failed = state('failed')
    const noticed = { ...LOST, rank: 2 }
    const seats = failed.run!.state.seats.map((seat) =>
      seat.rank === 2 ? { ...seat, state: 'running' as const } : { ...seat, state: 'failed' as const },
    )
    const ranks = Object.fromEntries(
      Object.entries(failed.run!.ranks).map(([rank, known]) => [rank, { ...known, error: noticed }]),
    )
    const run = { ...failed.run!, ranks, state: { ...failed.run!.state, seats } }
    expect(ringModel({ ...failed, run }, NOW).seats.map((seat) => seat.state)).toEqual([
      'present',
      'present',
      'lost',
      'present',
    ])
    expect(nodesOf({ ...failed, run }, NOW).map((node) => node.state)).toEqual(['here', 'here', 'lost'])
  })

  it('pulses only while steps are taken', () => {
    expect(ringBeat(state('waiting'))).toBeNull()
    expect(ringBeat(state('running'))).toBe(429)
    expect(ringBeat(state('done'))).toBeNull()
  })
})

describe('figures', () => {
  it('sum speeds over ranks and estimate the rest', () => {
    const shown = figures(state('running'))
    expect(shown).toMatchObject({ epoch: 'epoch 2 of 3', timesOf: 3 })
    expect(shown.share).toBeCloseTo(429 / 705, 2)
    expect(shown.progress).toMatch(/^61 % · 0:\d\d left$/)
    expect(Number(shown.samplesPerSecond.replace(',', ''))).toBeGreaterThan(3_300)
  })

  it('put test metrics first and shares as per cent', () => {
    expect(
      headlineMetrics({ train_loss: 1, val_loss: 1, test_accuracy: 0.5, val_acc: 0.4 }).map(([name]) => name),
    ).toEqual(['test_accuracy', 'val_acc', 'val_loss', 'train_loss'])
    expect(metricText('test_accuracy', 0.9814)).toBe('98.14 %')
    expect(metricText('accumulated', 12)).toBe('12.00')
  })
})

describe('a failure', () => {
  it('says who, what survived, what to do, and keeps the technical record', () => {
    const failure = explainFailure(state('failed').run!)
    expect(failure.survived).toContain('411 steps')
    expect(failure.todo).toContain('join link')
    expect(failure.stack).toBe(LOST.stack)
    expect(Object.fromEntries(failure.record)).toMatchObject({
      code: 'RANK_LOST',
      rank: '2',
      lastOp: 'allReduce bucket 2',
    })
  })

  it('falls back on a rank’s own error, then on saying that no reason was given', () => {
    const run = { ...state('running').run!, state: runState({ status: 'failed' }) }
    expect(explainFailure(run).message).toContain('no reason')
    const told = {
      ...run,
      ranks: { ...run.ranks, 1: { ...run.ranks[1]!, error: { ...LOST, code: 'SCRIPT_FAILED' as const } } },
    }
    expect(explainFailure(told).headline).toContain('The script failed in rank 2')
  })
})

describe('the list of devices', () => {
  it('has one entry a node, the missing and the lost last', () => {
    expect(nodesOf(state('running'), NOW).map((node) => [node.label, node.ranks, node.state])).toEqual([
      ['Studio', [0, 1], 'training'],
      ['Studio, 2nd tab', [2], 'training'],
      ['Laptop-B', [3], 'training'],
    ])
    expect(nodesOf(state('waiting'), NOW).at(-1)).toMatchObject({ label: 'node 1', ranks: [2], state: 'expected' })
    expect(nodesOf(state('failed'), NOW).at(-1)).toMatchObject({
      ranks: [2],
      state: 'lost',
      device: 'last heard 12 s ago',
    })
  })

  it('names the accelerator that is used, not the one that could be', () => {
    expect(nodesOf(state('running'), NOW).at(-1)?.device).toBe('trains on wasm: 8 cores')
    expect(nodesOf(state('gathering'), NOW).at(-1)?.device).toContain('WebGPU only in software')
  })
})

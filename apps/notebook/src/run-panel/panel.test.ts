import type { RankEvent, RunState, WireError } from '@rondo/protocol'
import { describe, expect, it } from 'vitest'
import { freezeRun, thawRun } from './frozen.ts'
import { newRunPanel, type RunPanelAction, runPanelReducer } from './panel-state.ts'
import { panelView } from './panel-view.ts'
import { consoleEvent, NOW, progressEvent, runOf } from './testing/runs.ts'

const viewer = { pageId: 'here', clockSkew: 0, now: NOW + 41_000 }

function play(run: RunState, ...actions: RunPanelAction[]) {
  return actions.reduce(runPanelReducer, newRunPanel('fabric.launch(train)', run, NOW))
}
const event = (rank: number, event: RankEvent, at = NOW): RunPanelAction => ({ type: 'event', rank, event, at })
const end = (status: 'done' | 'failed' | 'stopped', error: WireError | null = null): RunPanelAction => ({
  type: 'end',
  status,
  error,
  at: NOW + 41_000,
})
const training = [0, 1].flatMap((rank) =>
  Array.from({ length: 10 }, (_, step) => event(rank, progressEvent(step, 2 - step / 10), NOW + 1_000 * step)),
)

describe('the panel of a launch', () => {
  it('says who is missing while it waits', () => {
    const view = panelView(play(runOf(3, { missing: [2] })), viewer)
    expect(view.headline).toBe('Waiting for 1 of 3 ranks, 0:41')
    expect(view.detail).toContain('Laptop-B')
    expect(view.ranks.map((rank) => rank.state)).toEqual(['waiting', 'waiting', 'waiting'])
    expect(view.training).toBeNull()
  })

  it('shows a function that does not train without curves', () => {
    const view = panelView(play(runOf(2)), viewer)
    expect(view.headline).toBe('2 ranks at work, 0:41')
    expect(view.training).toBeNull()
    expect(view.ranks[0]).toMatchObject({ tone: 'work', state: 'working' })
  })

  it('sums speed, averages loss and estimates the time that is left', () => {
    const view = panelView(play(runOf(2), ...training), { ...viewer, now: NOW + 9_000 })
    expect(view.headline).toBe('Training, epoch 1 of 2, 0:09')
    expect(view.training).toMatchObject({ samplesPerSecond: '200', loss: '1.1000', share: 0.225 })
    expect(view.training?.text).toBe('epoch 1 of 2 · 23 % · 0:31 left')
  })

  it('shows what is logged for the bar before other metrics, and no bar where none is wanted', () => {
    const bar = (shown: boolean): RunPanelAction =>
      event(0, { kind: 'bar', shown, leave: true, epoch: 0, epochDone: true, values: { my_score: 3, lost: null } })
    const metrics = event(0, { kind: 'metrics', step: 3, values: { test_accuracy: 0.5, my_score: 1 } })
    const view = panelView(play(runOf(2), ...training, metrics, bar(true)), viewer)
    expect(view.metrics).toEqual([
      ['my score', '3.0000'],
      ['lost', expect.any(String)],
      ['test accuracy', '50.00 %'],
    ])
    expect(view.training?.hasBar).toBe(true)
    expect(panelView(play(runOf(2), ...training, bar(false)), viewer).training?.hasBar).toBe(false)
  })

  it('has the effective batch once every rank has told its own', () => {
    const setup: RankEvent = {
      kind: 'setup',
      accelerator: 'wasm',
      adapter: null,
      software: false,
      reason: '',
      precision: '32-true',
      strategy: 'ddp',
      learningRate: 4e-3,
      batchSize: 7,
      accumulate: 2,
      parameters: 1,
    }
    expect(panelView(play(runOf(2), event(0, setup)), viewer).detail).toBe('')
    const line = panelView(play(runOf(2), event(0, setup), event(1, setup)), viewer).detail
    expect(line).toMatch(/× accumulate 2 = 28; lr 4e-3 \(not scaled\)/)
  })

  it('ends with its job though the warm ranks live on', () => {
    const state = play(
      runOf(2),
      ...training,
      end('done'),
      { type: 'run', run: runOf(2) },
      event(0, progressEvent(99, 9)),
    )
    const view = panelView(state, { ...viewer, now: NOW + 500_000 })
    expect(view.headline).toBe('Done on 2 ranks in 0:41')
    expect(view.ranks.map((rank) => rank.state)).toEqual(['done', 'done'])
    expect(view.training).toMatchObject({ share: 1, loss: '1.1000' })
  })

  it('takes the end from the launch, not from the pool that closes after it', () => {
    const run = { ...runOf(2), status: 'failed' as const }
    expect(panelView(play(runOf(2), { type: 'run', run }), viewer).status).toBe('running')
  })

  it('names the rank that failed and stops the others', () => {
    const error: WireError = {
      code: 'SCRIPT_FAILED',
      name: 'TypeError',
      message: 'x is null',
      rank: 1,
      node: 'Laptop-B',
    }
    const view = panelView(play(runOf(3), ...training, end('failed', error)), viewer)
    expect(view.headline).toBe('Failed in rank 1 on Laptop-B after 0:41')
    expect(view.detail).toBe('x is null')
    expect(view.ranks.map((rank) => rank.state)).toEqual(['stopped', 'failed', 'stopped'])
  })

  it('shows one console for ranks that print the same, and another as soon as one differs', () => {
    const lines = [0, 1, 2].flatMap((rank) => ['epoch 1', 'epoch 2'].map((text) => event(rank, consoleEvent(text))))
    const same = play(runOf(4), ...lines.slice(0, -1))
    expect(panelView(same, viewer).consoles).toMatchObject({
      groups: [{ ranks: [0, 1, 2], lane: { count: 2 } }],
      silent: [3],
    })
    const ended = runPanelReducer(same, end('done'))
    expect(panelView(ended, viewer).consoles.groups.map((group) => group.ranks)).toEqual([[0, 1], [2]])
    const other = runPanelReducer(same, event(2, consoleEvent('epoch 2!')))
    expect(panelView(other, viewer).consoles.groups.map((group) => group.ranks)).toEqual([[0, 1], [2]])
  })

  it('keeps a bounded console that still knows that the dropped lines were the same', () => {
    const many = (rank: number, first: string) =>
      Array.from({ length: 1_500 }, (_, i) => event(rank, consoleEvent(i === 0 ? first : `line ${i}`)))
    const same = panelView(play(runOf(2), ...many(0, 'a'), ...many(1, 'a'), end('done')), viewer)
    expect(same.consoles.groups).toMatchObject([{ ranks: [0, 1], lane: { count: 1_500 } }])
    expect(same.consoles.groups[0]?.lane.lines).toHaveLength(1_000)
    const different = panelView(play(runOf(2), ...many(0, 'a'), ...many(1, 'b'), end('done')), viewer)
    expect(different.consoles.groups).toHaveLength(2)
  })
})

describe('a frozen panel', () => {
  const lines = Array.from({ length: 500 }, (_, i) => event(0, consoleEvent(`line ${i}`)))
  const view = panelView(play(runOf(2), ...training, ...lines, end('done')), viewer)

  it('comes back from JSON as it was, but for lines that are too many', () => {
    const bundle = freezeRun(view)
    const [type] = Object.keys(bundle).filter((name) => name.startsWith('application/'))
    const thawed = thawRun(JSON.parse(JSON.stringify(bundle[type!])))
    expect(thawed).toMatchObject({ headline: view.headline, ranks: view.ranks, ring: { model: view.ring.model } })
    expect(thawed?.training?.losses).toEqual(view.training?.losses)
    expect(thawed?.consoles.groups[0]?.lane.lines).toHaveLength(200)
    expect(thawed?.consoles.groups[0]?.lane.count).toBe(500)
    expect(bundle['text/plain']).toBe(
      'fabric.launch(train): Done on 2 ranks in 0:41 (2 ranks, loss 1.1000, 200 samples/s)',
    )
  })

  it.each([
    ['nothing', null],
    ['a text', 'run'],
    ['another version', { ...view, version: 2 }],
    ['a rank from nowhere', { ...view, version: 1, ring: { ...view.ring, beat: null }, ranks: [{ rank: -1 }] }],
  ])('is not read from %s', (_, data) => expect(thawRun(data)).toBeNull())
})

import { myRanks } from '@rondo/ui/session'
import { describe, expect, it } from 'vitest'
import { FIXTURES, LOST, MY_PAGE, members, NOW, runState, snapshot, training } from './dev/fixtures.ts'
import { initialState, type JoinAction, type JoinState, reduce } from './state.ts'

const fold = (actions: JoinAction[], from: JoinState = initialState(MY_PAGE)) => actions.reduce(reduce, from)
const session = (change: Parameters<typeof snapshot>[0] = {}, at = NOW): JoinAction => ({
  type: 'session',
  at,
  snapshot: snapshot(change),
})
const printed = (text: string, generation = 4, runId = 'run-7'): JoinAction => ({
  type: 'run:event',
  at: NOW,
  message: { runId, generation, rank: 0, event: { kind: 'console', level: 'log', text } },
})

describe('the session', () => {
  it('is the same however often the server repeats itself', () => {
    const once = fold([session({ run: runState() })])
    expect(fold([session({ run: runState() }), session({ run: runState() })])).toEqual(once)
  })

  it('is measured on the server’s clock', () => {
    expect(fold([session({}, NOW - 2_500)]).clockSkew).toBe(2_500)
  })

  it('changes nothing that was handed out before', () => {
    const before = FIXTURES['running']!()
    const copy = structuredClone(before)
    fold([...training(5), session({ run: null })], before)
    expect(before).toEqual(copy)
  })
})

describe('the run', () => {
  it('keeps what ranks reported while snapshots come and go', () => {
    const state = fold([session({ run: runState() }), printed('hello'), session({ run: runState({ generation: 4 }) })])
    expect(state.run?.console.map((line) => line.text)).toEqual(['hello'])
  })

  it('starts afresh with the next run', () => {
    const next = runState({ runId: 'run-8', config: { ...runState().config, runId: 'run-8' } })
    const state = fold([session({ run: runState() }), printed('old'), session({ run: next })])
    expect(state.run?.console).toEqual([])
  })

  it('drops events of an older generation and of other runs', () => {
    const state = fold([session({ run: runState() }), printed('stale', 3), printed('alien', 4, 'run-6')])
    expect(state.run?.console).toEqual([])
  })

  it('stays readable after its end until another one opens', () => {
    const live = session({ run: runState() })
    const done = session({ run: runState({ status: 'done', endedAt: NOW }) })
    expect(fold([live, done, session({ run: null })]).run?.state.status).toBe('done')
    expect(fold([live, session({ run: null })]).run).toBeNull()
  })

  it('is history for a page that comes after its end', () => {
    expect(fold([session({ run: runState({ status: 'failed', endedAt: NOW }) })]).run).toBeNull()
  })

  it('keeps a bounded console and goes on counting', () => {
    const lines = Array.from({ length: 1_000 }, (_, i) => printed(`line ${i}`))
    const run = fold([session({ run: runState() }), ...lines]).run!
    expect(run.console).toHaveLength(400)
    expect(run.console.at(-1)).toMatchObject({ id: 999, text: 'line 999' })
    expect(run.consoleCount).toBe(1_000)
  })

  it('learns the reason of a stop before the snapshot tells it, and never over an ending', () => {
    const stop: JoinAction = {
      type: 'run:stop',
      message: { runId: 'run-7', generation: 4, reason: LOST.message, error: LOST },
    }
    expect(fold([session({ run: runState() }), stop]).run?.state.error).toEqual(LOST)
    const done = session({ run: runState({ status: 'done' }) })
    expect(fold([session({ run: runState() }), done, stop]).run?.state.error).toBeNull()
  })
})

describe('my ranks', () => {
  it('are the seats of this page while a run is open', () => {
    expect(myRanks(FIXTURES['running']!())).toEqual([3])
  })

  it('are those that the present order would give when nothing runs', () => {
    expect(myRanks(fold([session()]))).toEqual([3])
    expect(myRanks(fold([session({ members: members().slice(2) })]))).toEqual([1])
  })

  it('are none for a page that came after the run had started', () => {
    const late = fold([session({ run: runState() })], initialState('page-late'))
    expect(myRanks(late)).toEqual([])
  })
})

describe('connection and refusals', () => {
  it('remembers since when the server is gone, through every retry', () => {
    const gone = (connection: JoinState['connection'], at: number): JoinAction => ({
      type: 'connection',
      connection,
      at,
    })
    const state = fold([session(), gone('offline', NOW + 1), gone('closed', NOW + 60_000)])
    expect(state).toMatchObject({ connection: 'closed', offlineSince: NOW + 1 })
    expect(fold([session()], state)).toMatchObject({ connection: 'online', offlineSince: null })
  })

  it('takes a refusal for final only before the session let the page in', () => {
    const refused: JoinAction = { type: 'refused', error: { code: 'BAD_TOKEN', name: 'RondoError', message: 'no' } }
    expect(fold([refused]).refused?.code).toBe('BAD_TOKEN')
    const inside = fold([session(), refused])
    expect(inside.refused).toBeNull()
    expect(inside.notice?.code).toBe('BAD_TOKEN')
  })
})

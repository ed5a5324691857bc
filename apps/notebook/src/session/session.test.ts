/** What the page makes of its link, of ranks' displays, and of jobs as they go on. */
import type { KernelOutput } from '@rondo/kernel/output'
import { describe, expect, it } from 'vitest'
import { inviteLink, isLocalAddress, takeSessionLink, withoutSession } from './params.ts'
import { RankOutputs } from './rank-outputs.ts'

function place(address: string, stored = new Map<string, string>()) {
  const shown: string[] = []
  const storage = {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
  }
  return { shown, stored, take: () => takeSessionLink({ address, storage, replaceAddress: (to) => shown.push(to) }) }
}

const PRINTED =
  'http://localhost:29400/notebook/?session=default&lan=http%3A%2F%2F192.0.2.7%3A29400#control=CCC&token=JJJ'

describe('the printed link', () => {
  it('is taken, kept for this tab, and leaves the address bar without its tokens', () => {
    const first = place(PRINTED)
    const link = first.take()
    expect(link).toEqual({
      session: 'default',
      controlToken: 'CCC',
      joinToken: 'JJJ',
      invite: 'http://192.0.2.7:29400',
    })
    expect(first.shown).toEqual(['http://localhost:29400/notebook/?session=default&lan=http%3A%2F%2F192.0.2.7%3A29400'])
    const reloaded = place(first.shown[0] as string, first.stored)
    expect(reloaded.take()).toEqual(link)
    expect(reloaded.shown).toEqual([])
  })

  it('keeps what else the fragment says', () => {
    const { shown, take } = place(`${PRINTED}&notebook=n7`)
    take()
    expect(new URL(shown[0] as string).hash).toBe('#notebook=n7')
  })

  it.each([
    'http://localhost:1/notebook/',
    'http://localhost:1/notebook/?session=default',
    'http://localhost:1/notebook/?session=default#token=JJJ',
    'http://localhost:1/notebook/?session=de%20fault#control=CCC&token=JJJ',
    'http://localhost:1/notebook/?session=default#control=C%0AC&token=JJJ',
  ])('is not seen in %s', (address) => expect(place(address).take()).toBeNull())

  it('does not trip over spoilt or blocked storage', () => {
    expect(place('http://localhost:1/', new Map([['rondo.notebook.session', '{"session":']])).take()).toBeNull()
    const blocked = () => {
      throw new Error('denied')
    }
    const options = { storage: { getItem: blocked, setItem: blocked }, replaceAddress: () => {} }
    expect(takeSessionLink({ address: PRINTED, ...options })?.controlToken).toBe('CCC')
    expect(takeSessionLink({ address: 'http://localhost:1/', ...options })).toBeNull()
  })

  it('gives others the join token and nothing else', () => {
    const link = place(PRINTED).take()
    expect(link && inviteLink(link)).toBe('http://192.0.2.7:29400/join/?session=default#token=JJJ')
  })
})

it('says whom to ask where the notebook controls nothing', () => {
  expect(isLocalAddress('http://127.0.0.1:5/x')).toBe(true)
  expect(withoutSession('http://localhost:5/notebook/')).toMatch(/link that "npm start" printed/)
  expect(withoutSession('http://192.0.2.7:5/notebook/')).toMatch(/ask that person/)
})

describe('what ranks display', () => {
  const display = (text: string, displayId: string | null = null, update = false): KernelOutput => ({
    kind: 'display',
    data: { 'text/plain': text },
    metadata: {},
    displayId,
    update,
  })
  const collect = () => {
    const shown: KernelOutput[] = []
    return { shown, outputs: new RankOutputs('job 1', (output) => shown.push(output)) }
  }

  it('is shown once where ranks show the same, and says by whom', () => {
    const { shown, outputs } = collect()
    for (const rank of [1, 0]) outputs.take(rank, display('same'))
    for (const rank of [0, 1]) outputs.take(rank, display(`mine ${rank}`))
    expect(shown).toMatchObject([
      { update: false, metadata: { rondo: { ranks: [1] } } },
      { update: true, metadata: { rondo: { ranks: [0, 1] } } },
      { update: false, data: { 'text/plain': 'mine 0' } },
      { update: false, data: { 'text/plain': 'mine 1' } },
    ])
    const ids = shown.map((output) => output.kind === 'display' && output.displayId)
    expect(ids[0]).toBe(ids[1])
    expect(new Set(ids).size).toBe(3)
  })

  it('keeps live displays of each rank apart', () => {
    const { shown, outputs } = collect()
    outputs.take(0, display('a', 'curve'))
    outputs.take(1, display('a', 'curve'))
    outputs.take(0, display('b', 'curve', true))
    expect(shown.map((output) => output.kind === 'display' && [output.displayId, output.update])).toEqual([
      ['job 1/rank 0/curve', false],
      ['job 1/rank 1/curve', false],
      ['job 1/rank 0/curve', true],
    ])
  })

  it('lets no rank wipe away what others show', () => {
    const { shown, outputs } = collect()
    outputs.take(0, { kind: 'clear', wait: false })
    outputs.take(2, { kind: 'stream', name: 'stdout', text: 'a\nb\n' })
    expect(shown).toEqual([{ kind: 'stream', name: 'stdout', text: '[rank 2] a\n[rank 2] b\n' }])
  })
})

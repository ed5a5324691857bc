/** Which carriers a pair tries, for every backend and place. */
import { BACKENDS } from '@rondo/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { carriersFor } from './carrier-choice.ts'

const here = { pageId: 'p1', browserId: 'b1' }
const otherTab = { pageId: 'p2', browserId: 'b1' }
const elsewhere = { pageId: 'p3', browserId: 'b2' }
const alone = { pageId: 'p4', browserId: null }

describe('carriersFor', () => {
  it.each([
    ['auto', here, ['shared', 'local']],
    ['auto', otherTab, ['port', 'webrtc', 'relay']],
    ['auto', elsewhere, ['webrtc', 'relay']],
    ['auto', alone, ['webrtc', 'relay']],
    ['webrtc', here, ['webrtc']],
    ['webrtc', otherTab, ['webrtc']],
    ['relay', here, ['relay']],
    ['port', here, ['shared', 'local']],
    ['port', otherTab, ['port']],
    ['port', elsewhere, []],
    ['port', alone, []],
  ] as const)('%s towards %o tries %o', (backend, place, carriers) => {
    expect(carriersFor(backend, here, place)).toEqual(carriers)
  })

  it('never takes two places without ids for the same', () => {
    const nowhere = { pageId: null, browserId: null }
    expect(carriersFor('auto', nowhere, nowhere)).toEqual(['webrtc', 'relay'])
  })

  it('gives both pages the same answer', () => {
    const place = fc.record({
      pageId: fc.constantFrom('p1', 'p2', null),
      browserId: fc.constantFrom('b1', 'b2', null),
    })
    fc.assert(
      fc.property(fc.constantFrom(...BACKENDS), place, place, (backend, a, b) => {
        expect(carriersFor(backend, a, b)).toEqual(carriersFor(backend, b, a))
      }),
    )
  })
})

/** Which checkpoints stay: the k best of any sequence of scores, with NaN, ties and infinities, in both directions. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { comparable, displaced, isAmongBest, NOTHING_SAVED, type Ranking, withScored } from './best-checkpoints.ts'

/** Plays a sequence as ModelCheckpoint does. Returns what is remembered and the files that are left. */
function play(scores: readonly number[], ranking: Ranking) {
  let memory = NOTHING_SAVED
  const files = new Set<string>()
  scores.forEach((score, i) => {
    if (!isAmongBest(memory, score, ranking)) return
    const path = `${i}.ckpt`
    const goes = displaced(memory, ranking)
    memory = withScored(memory, path, score, ranking)
    files.add(path)
    files.delete(goes)
  })
  return { memory, files: [...files] }
}

/** The k best by sorting all of them at once; of equals the earliest. */
function bestBySorting(scores: readonly number[], { mode, saveTopK }: Ranking): string[] {
  const sign = mode === 'min' ? 1 : -1
  const all = scores.map((score, i) => ({ i, key: sign * comparable(score, mode) }))
  // Equal infinities have no difference.
  const ranked = [...all].sort((a, b) => (a.key === b.key ? a.i - b.i : a.key - b.key))
  return ranked
    .slice(0, saveTopK === -1 ? ranked.length : saveTopK)
    .map(({ i }) => `${i}.ckpt`)
    .sort()
}

const score = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -3, max: 3 }) },
  { weight: 2, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }) },
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
)
const ranking = fc.record({
  mode: fc.constantFrom('min' as const, 'max' as const),
  saveTopK: fc.constantFrom(-1, 0, 1, 2, 3, 5),
})

describe('best-checkpoints', () => {
  it('keeps the k best of any sequence', () => {
    fc.assert(
      fc.property(fc.array(score, { maxLength: 20 }), ranking, (scores, how) => {
        const { memory, files } = play(scores, how)
        const expected = bestBySorting(scores, how)
        const values = (paths: readonly string[]): number[] =>
          paths.map((path) => comparable(scores[Number.parseInt(path, 10)] as number, how.mode)).sort((a, b) => a - b)
        expect(Object.keys(memory.bestKModels).sort()).toEqual([...files].sort())
        expect(values(files)).toEqual(values(expected))
        if (expected.length === 0) return
        const best = values(expected).at(how.mode === 'min' ? 0 : -1)
        expect(memory.bestModelScore).toBe(best)
        expect(memory.bestKModels[memory.bestModelPath]).toBe(best)
        const full = how.saveTopK === -1 || files.length === how.saveTopK
        expect(memory.kthValue).toBe(full ? values(expected).at(how.mode === 'min' ? -1 : 0) : null)
        expect(Object.values(memory.bestKModels)).not.toContain(Number.NaN)
      }),
    )
  })

  it('keeps the earlier of equals, and drops the worst for a better one', () => {
    expect(play([2, 1, 1, 1], { mode: 'min', saveTopK: 2 }).files.sort()).toEqual(['1.ckpt', '2.ckpt'])
    expect(play([1, 2, 3, 0], { mode: 'max', saveTopK: 2 }).files.sort()).toEqual(['1.ckpt', '2.ckpt'])
    expect(play([Number.NaN, Number.NaN, 5], { mode: 'max', saveTopK: 1 }).files).toEqual(['2.ckpt'])
  })
})

/** What may be asked of `bench notebook`, and what is refused with which sentence. */
import { RondoError } from '@rondo/protocol'
import { describe, expect, it } from 'vitest'
import { NOTEBOOK_PARTS, parseNotebookPlan } from './arguments.ts'

describe('the arguments of bench notebook', () => {
  it('measure everything when nothing is said', () => {
    expect(parseNotebookPlan([])).toEqual({
      parts: [...NOTEBOOK_PARTS],
      repetitions: 5,
      json: undefined,
      browser: undefined,
    })
  })

  it('take parts, each once and in the order of measuring, a count, a file and a browser', () => {
    const words = ['--parts', 'mnist, Keys,mnist', '--repetitions=3', '--json', 'out.json', '--browser', '/opt/chrome']
    expect(parseNotebookPlan(words)).toEqual({
      parts: ['keys', 'mnist'],
      repetitions: 3,
      json: 'out.json',
      browser: '/opt/chrome',
    })
  })

  it.each([
    [['--parts', 'keys,tensors'], /--parts=keys,tensors: "tensors" is no part; allowed are size, page, keys/],
    [['--parts='], /--parts: a value is missing/],
    [['--repetitions', '0'], /--repetitions=0: an integer from 1 to 100/],
    [['--repetitions', 'many'], /--repetitions=many/],
    [['--part', 'keys'], /--part: allowed are --parts/],
    [['keys'], /"keys": allowed are --parts/],
  ])('refuse %j', (words, sentence) => {
    expect(() => parseNotebookPlan(words)).toThrow(RondoError)
    expect(() => parseNotebookPlan(words)).toThrow(sentence)
  })
})

/** What `bench fewer-bytes` takes and refuses. */
import { expect, it } from 'vitest'
import { parseFewerBytesPlan } from './arguments.ts'

it('compares everything by default, and f32 always', () => {
  const plan = parseFewerBytesPlan([])
  expect(plan.parts).toEqual(['mnist', 'char', 'time'])
  expect(plan.methods.map(({ name }) => name)).toContain('diloco-64')
  expect(plan).toMatchObject({ ranks: 2, seeds: [1, 2, 3], epochs: 2, bytes: 4 * 1024 * 1024 })
  const some = parseFewerBytesPlan(['--methods', 'INT8', '--parts', 'time', '--size', '1MiB'])
  expect(some.methods.map(({ name }) => name)).toEqual(['f32', 'int8'])
  expect(some).toMatchObject({ parts: ['time'], bytes: 1024 * 1024 })
})

it.each([
  [['--methods', 'gzip'], /"gzip" is no method; allowed are f32, f16/],
  [['--parts', 'speed'], /allowed are mnist, char, time/],
  [['--seeds', '0'], /--seeds=0: a whole number from 1/],
  [['--ranks', '1'], /--ranks=1: a whole number from 2 to 8/],
  [['--fast'], /--fast/],
])('refuses %j', (words, message) => {
  expect(() => parseFewerBytesPlan(words)).toThrow(message)
})

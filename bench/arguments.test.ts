/** What may be asked of `bench allreduce`, and what is refused with which sentence. */
import { RondoError } from '@rondo/protocol'
import { describe, expect, it } from 'vitest'
import { formatSize, parseAllReducePlan, parseSize } from './arguments.ts'

function refusal(...words: string[]): string {
  try {
    parseAllReducePlan(words)
  } catch (error) {
    expect(error).toBeInstanceOf(RondoError)
    expect((error as RondoError).code).toBe('BAD_ARGUMENT')
    return (error as RondoError).message
  }
  throw new Error(`${words.join(' ')} was accepted`)
}

describe('the arguments of bench allreduce', () => {
  it('measure every carrier at four sizes when nothing is said', () => {
    expect(parseAllReducePlan([])).toEqual({
      ranks: [2, 4],
      sizes: [4_096, 65_536, 1_048_576, 16_777_216],
      carriers: ['webrtc', 'port', 'shared', 'memory'],
      json: undefined,
      repetitions: undefined,
      firsts: 0,
      browser: undefined,
    })
  })

  it('are lists in the order given, each value once', () => {
    const plan = parseAllReducePlan(['--ranks', '4, 2,4', '--sizes=1MiB,4B', '--carriers', 'PORT,webrtc'])
    expect(plan).toMatchObject({ ranks: [4, 2], sizes: [1_048_576, 4], carriers: ['port', 'webrtc'] })
  })

  it('take a file, a count and a browser', () => {
    const plan = parseAllReducePlan(['--json', 'out.json', '--repetitions=7', '--browser', '/opt/chrome'])
    expect(plan).toMatchObject({ json: 'out.json', repetitions: 7, browser: '/opt/chrome' })
  })

  it.each([
    [['--ranks', '1'], /--ranks=1: .*allowed are 2 to 16/],
    [['--ranks', '2,x'], /--ranks=2,x: "x"/],
    [['--ranks', '17'], /allowed are 2 to 16/],
    [['--sizes', '4KiB,,1MiB'], /"" is no size/],
    [['--carriers', 'webrtc,relay'], /"relay" is no carrier; allowed are webrtc, port, shared, memory/],
    [['--repetitions', '0'], /--repetitions=0: an integer from 1 to 1000/],
    [['--repetitions', '2.5'], /--repetitions=2.5/],
    [['--json'], /--json: a value is missing/],
    [['--ranks='], /--ranks: a value is missing/],
    [['--rank', '2'], /--rank: allowed are --ranks, --sizes/],
    [['webrtc'], /"webrtc": allowed are --ranks/],
  ])('refuse %j', (words, sentence) => {
    expect(refusal(...words)).toMatch(sentence)
  })
})

describe('sizes', () => {
  it.each([
    ['4B', 4],
    ['64KiB', 65_536],
    ['1.5MiB', 1_572_864],
    ['16 mib', 16_777_216],
    ['0.25GiB', 268_435_456],
  ])('%s has %i bytes', (word, bytes) => {
    expect(parseSize(word)).toBe(bytes)
  })

  it.each(['', '0B', '2B', '5B', '-4B', '4', '4KB', '1e3B', 'MiB', '1GiB', '0.3KiB'])('refuse %j', (word) => {
    expect(() => parseSize(word)).toThrow(/multiples of 4B up to 256 MiB/)
  })

  it('are written in the largest whole unit', () => {
    expect([4, 1_000, 4_096, 1_572_864, 16_777_216].map(formatSize)).toEqual([
      '4 B',
      '1000 B',
      '4 KiB',
      '1536 KiB',
      '16 MiB',
    ])
  })
})

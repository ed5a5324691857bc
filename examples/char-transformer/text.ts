/**
 * The text that the character transformer learns: sentences made by a small grammar with agreement of number,
 * sums of numbers and things that come back a sentence later, so that a longer context pays. Made by rule, the
 * same on every rank. Not for: reading.
 */
import { type Column, column, InMemoryDataset } from 'rondo'

const NUMBERS = 'zero one two three four five six seven eight nine ten eleven twelve'.split(' ')
const NOUNS = 'rank ring tab wheel river bridge lantern garden letter clock'.split(' ')
const QUALITIES = 'quiet early narrow green patient open distant round'.split(' ')
const DEEDS = 'carry follow answer find remember count'.split(' ')
const PLACES = 'near the gate,under the hill,along the shore,before the rain,by the old wall'.split(',')
/** Each addend is at most this, so that every sum has a name. */
const LARGEST_ADDEND = 6
/** Sentences between two line ends. */
const SENTENCES_PER_LINE = 4

/** All characters that occur, in the order of their numbers. */
export const ALPHABET = '\n abcdefghijklmnopqrstuvwxyz.,'

/** At least `length` characters of sentences, the same for the same seed. */
export function writeText(length: number, seed: number): string {
  const pick = chooser(seed)
  const lines: string[] = []
  for (let written = 0; written < length; written += lines.at(-1)?.length ?? 0) {
    const sentences = Array.from({ length: SENTENCES_PER_LINE }, () => (pick(4) === 0 ? sum(pick) : deed(pick)))
    lines.push(`${sentences.join(' ')}\n`)
  }
  return lines.join('')
}

type Pick = (count: number) => number

function deed(pick: Pick): string {
  const of = (words: readonly string[]): string => words[pick(words.length)] as string
  const [subject, object] = [of(NOUNS), of(NOUNS)]
  const verb = of(DEEDS)
  const quality = of(QUALITIES)
  const [many, place] = [pick(2) === 0, of(PLACES)]
  const first = many
    ? `the ${quality} ${subject}s ${verb} the ${object} ${place}.`
    : `the ${quality} ${subject} ${third(verb)} the ${object} ${place}.`
  return many ? `${first} they are ${quality}.` : `${first} it is ${quality}.`
}

function sum(pick: Pick): string {
  const [a, b] = [pick(LARGEST_ADDEND + 1), pick(LARGEST_ADDEND + 1)]
  return `${NUMBERS[a]} and ${NUMBERS[b]} make ${NUMBERS[a + b]}.`
}

function third(verb: string): string {
  return verb.endsWith('y') ? `${verb.slice(0, -1)}ies` : `${verb}s`
}

/** Whole numbers below a count by a linear congruential generator (Knuth's MMIX constants are 64 bits; these are 32: Numerical Recipes). */
function chooser(seed: number): Pick {
  let state = seed >>> 0
  return (count) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * count)
  }
}

/** Number of each character. Throws for one that is not in the alphabet. */
export function encode(text: string): Int32Array {
  return Int32Array.from(text, (char) => {
    const at = ALPHABET.indexOf(char)
    if (at >= 0) return at
    throw new Error(
      `"${char}" is not in the alphabet of the text; allowed are a to z, space, comma, full stop, line end.`,
    )
  })
}

export type Windows = InMemoryDataset<[Column<'int32'>, Column<'int32'>]>

/** Pieces of `context` characters, and for each character the one that follows: two columns [n, context]. */
export function windows(text: string, context: number): Windows {
  const codes = encode(text)
  const count = Math.floor((codes.length - 1) / context)
  const inputs = codes.slice(0, count * context)
  const targets = codes.slice(1, count * context + 1)
  return new InMemoryDataset([column(inputs, [count, context]), column(targets, [count, context])])
}

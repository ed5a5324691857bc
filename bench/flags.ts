/** Reading a benchmark's flags, each with a value. Not for: what a value means (each benchmark's own arguments). */
import { parseArgs } from 'node:util'
import { RondoError } from '@rondo/protocol'

/** @throws BAD_ARGUMENT for words and flags that are not in `names`, and for a flag without its value */
export function readFlags<N extends string>(
  words: readonly string[],
  names: readonly N[],
): Readonly<Partial<Record<N, string>>> {
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]))
  const { values, positionals } = parseArgs({ args: [...words], options, strict: false, allowPositionals: true })
  const unknown = Object.keys(values).find((name) => !(name in options))
  if (unknown !== undefined || positionals.length > 0) {
    const word = unknown === undefined ? `"${positionals[0]}"` : `--${unknown}`
    const allowed = names.map((name) => `--${name}`)
    throw badFlag(word, `allowed are ${allowed.join(', ')}. Correct it, or see npm run bench -- help.`)
  }
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'string' && value.trim() !== '') continue
    throw badFlag(`--${name}`, `a value is missing. Write --${name} VALUE, or see npm run bench -- help.`)
  }
  return values as Partial<Record<N, string>>
}

/** `--repetitions`: an integer from 1 to `most`. */
export const readRepetitions = (text: string, most: number): number => readCount('repetitions', text, most)

/** The flag `--name`: an integer from 1 to `most`. */
export function readCount(name: string, text: string, most: number): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (count >= 1 && count <= most) return count
  throw badFlag(`--${name}=${text}`, `an integer from 1 to ${most} is needed. Correct it, or leave it out.`)
}

export function badFlag(given: string, rest: string): RondoError {
  return new RondoError('BAD_ARGUMENT', `${given}: ${rest}`)
}

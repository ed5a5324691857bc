/**
 * Splits the words after `rondo run` into Rondo's own flags, the script and the script's arguments.
 * Own flags are recognised before and after the script up to `--`; all else goes to the script, in order
 * and unchanged. Not for: what the values mean (run-options.ts).
 */
import { RondoError } from '@rondo/protocol'
import { type Flag, valueHint } from './flags.ts'

/** Whoever writes this wants a TPU, wherever the word stands. */
const TPU_FLAG = /^--?(tpu|xla)/i

export interface SplitArguments {
  /** Last value given per flag, by dashed name; switches hold a boolean. */
  values: Map<string, string | number | boolean>
  script: string | undefined
  scriptArgs: string[]
}

export interface SplitOptions {
  /** Used when no script is named. */
  defaultScript?: string | undefined
  /** How people called it; for messages. */
  command?: string
}

/**
 * @param words everything after the command's name
 * @param flags the command's own flags by dashed name
 * @throws BAD_ARGUMENT for an unknown flag before the script and for a missing or unfit value
 */
export function splitArguments(
  words: readonly string[],
  flags: Readonly<Record<string, Flag>>,
  { defaultScript, command = 'rondo run' }: SplitOptions = {},
): SplitArguments {
  const result: SplitArguments = { values: new Map(), script: undefined, scriptArgs: [] }
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at]!
    if (word === '--') {
      const rest = words.slice(at + 1)
      result.script ??= defaultScript ?? rest.shift()
      result.scriptArgs.push(...rest)
      break
    }
    const own = ownFlag(word, flags)
    if (own !== undefined) {
      const { name, flag } = own
      if (flag.kind === 'switch') {
        result.values.set(name, switchValue(name, own.inline))
        continue
      }
      if (own.inline === undefined) at += 1
      result.values.set(name, checked(name, flag, own.inline ?? words[at]))
    } else if (result.script !== undefined) {
      if (TPU_FLAG.test(word)) throw tpuRefusal(word, ' If it is an option of the script, write it after --.')
      result.scriptArgs.push(word)
    } else if (word === '-h') {
      result.values.set('help', true)
    } else if (word.startsWith('-') && word !== '-') {
      throw unknownFlag(word, flags, command)
    } else {
      result.script = word
    }
  }
  result.script ??= defaultScript
  return result
}

function ownFlag(word: string, flags: Readonly<Record<string, Flag>>) {
  const match = /^--([^=]+)(?:=(.*))?$/s.exec(word)
  if (match === null) return undefined
  const name = match[1]!.replaceAll('_', '-')
  const flag = Object.hasOwn(flags, name) ? flags[name] : undefined
  return flag === undefined ? undefined : { name, flag, inline: match[2] }
}

function switchValue(name: string, inline: string | undefined): boolean {
  if (inline === undefined || inline === 'true') return true
  if (inline === 'false') return false
  throw new RondoError(
    'BAD_ARGUMENT',
    `--${name}=${inline}: it is a switch and takes no value. Write --${name} alone, or leave it out.`,
  )
}

function checked(name: string, flag: Exclude<Flag, { kind: 'switch' }>, text: string | undefined): string | number {
  const given = `--${name}${text === undefined ? '' : `=${text}`}`
  if (text === undefined || (text.startsWith('--') && flag.kind !== 'text')) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `${given}: a value is missing. Write --${name} ${flag.kind === 'choice' ? flag.choices.join('|') : valueHint(flag)}.`,
    )
  }
  switch (flag.kind) {
    case 'text':
      if (text !== '' && !text.startsWith('--')) return text
      throw new RondoError('BAD_ARGUMENT', `${given}: a value is missing. Write --${name} ${flag.placeholder}.`)
    case 'choice': {
      const choice = text.trim().toLowerCase()
      if (/^(tpu|xla)/.test(choice)) throw tpuRefusal(given)
      if (flag.choices.includes(choice) || flag.hidden?.includes(choice)) return choice
      throw new RondoError(
        'BAD_ARGUMENT',
        `${given}: allowed are ${flag.choices.join(', ')}. Choose one of these or leave --${name} out.`,
      )
    }
    case 'integer': {
      const number = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : Number.NaN
      if (number >= flag.min && number <= flag.max) return number
      const range = flag.max === 2 ** 31 - 1 ? `of at least ${flag.min}` : `from ${flag.min} to ${flag.max}`
      throw new RondoError('BAD_ARGUMENT', `${given}: an integer ${range} is needed. Correct the number.`)
    }
    case 'number': {
      const number = text.trim() === '' ? Number.NaN : Number(text)
      if (Number.isFinite(number) && number >= flag.min) return number
      throw new RondoError('BAD_ARGUMENT', `${given}: a number of at least ${flag.min} is needed. Correct the number.`)
    }
    default:
      return flag satisfies never
  }
}

function unknownFlag(word: string, flags: Readonly<Record<string, Flag>>, command: string): RondoError {
  if (TPU_FLAG.test(word)) return tpuRefusal(word)
  const name = word.replace(/^-+/, '').replace(/=.*$/s, '').replaceAll('_', '-')
  const near = Object.keys(flags).filter((known) => distance(known, name) <= 2)
  const hint = near.length > 0 ? ` Did you mean --${near.join(' or --')}?` : ''
  return new RondoError(
    'BAD_ARGUMENT',
    `${word} is not a flag of ${command}.${hint} Allowed are ${Object.keys(flags)
      .map((known) => `--${known}`)
      .join(', ')}. Put options of the script after the script.`,
  )
}

/** Browsers cannot reach TPUs, whatever name asks for one. */
function tpuRefusal(given: string, hint = ''): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `${given}: browsers have no access to TPUs. Use --accelerator webgpu, or --accelerator wasm on machines without a GPU.${hint}`,
  )
}

/** Levenshtein distance, for "did you mean". */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}

/**
 * Arguments from a command line, as `Trainer.from_argparse_args` reads them: every argument is a flag, dashed,
 * underscored or as it is written in code; the rest stays in order. Not for: flags of `rondo run`, which never reach a
 * script unless they stand behind `--`.
 */
import { RondoError } from '@rondo/protocol'
import { argumentOf, TRAINER_ARGUMENTS } from './arguments.ts'
import { readArgument, snakeCase } from './environment.ts'
import type { TrainerOptions } from './types.ts'
import { checkPossible, GONE_ARGUMENTS } from './unsupported.ts'

/** Argument by its letters alone: `--max-epochs`, `--max_epochs` and `--maxEpochs` are one flag. */
const BY_LETTERS = new Map([...TRAINER_ARGUMENTS, ...GONE_ARGUMENTS].map((name) => [letters(name), name]))

export interface ParsedArgs {
  options: TrainerOptions
  /** What is no argument of a trainer, in order; all that stands behind `--`. */
  rest: string[]
}

/**
 * Takes the trainer's flags out of `argv`: `--flag value`, `--flag=value`, and `--flag` alone for what may be true.
 * The last one counts when a flag is there twice.
 * @throws BAD_ARGUMENT for a value that its argument does not take, or a flag without one; UNSUPPORTED for what cannot be
 */
export function readArgs(argv: readonly string[]): ParsedArgs {
  const options: Record<string, unknown> = {}
  const rest: string[] = []
  const words = [...argv]
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--') return { options: options as TrainerOptions, rest: [...rest, ...words] }
    const [flag = '', ...values] = word.split('=')
    const name = flag.startsWith('--') ? BY_LETTERS.get(letters(flag)) : undefined
    if (name === undefined) {
      rest.push(word)
      continue
    }
    const text = values.length > 0 ? values.join('=') : nextValue(flag, name, words)
    const value = readArgument(flag, name, text)
    if (argumentOf(name)) options[name] = value
    else checkPossible(name, value)
  }
  return { options: options as TrainerOptions, rest }
}

/** The flag's next word, or "true" for a switch that has none of its own. */
function nextValue(flag: string, name: string, words: string[]): string {
  const kind = argumentOf(name)?.kind
  const next = words[0]
  const isValue = next !== undefined && !next.startsWith('--')
  if (kind?.isSwitch) {
    const readable = isValue && kind.read(next) !== undefined && kind.accepts(kind.read(next))
    return readable ? (words.shift() as string) : 'true'
  }
  if (isValue) return words.shift() as string
  throw new RondoError(
    'BAD_ARGUMENT',
    `${flag}: it stands without a value; allowed is ${kind?.allowed ?? 'a value'}. Write ${flag}=VALUE (--${snakeCase(name)} is the same flag).`,
  )
}

function letters(name: string): string {
  return name.replaceAll(/[-_]/g, '').toLowerCase()
}

/**
 * Defaults from the environment: `PL_TRAINER_MAX_EPOCHS=3` is `maxEpochs: 3` where the code says nothing. The spelling
 * `RONDO_PL_TRAINER_…` wins over it, and `RONDO_TRAINER_…` is short for that. Not for: flags (from-args.ts).
 */
import { RondoError } from '@rondo/protocol'
import { argumentOf, TRAINER_ARGUMENTS } from './arguments.ts'
import { check } from './kinds.ts'
import { isStrategyAccelerator } from './legacy.ts'
import type { TrainerOptions } from './types.ts'
import { checkPossible } from './unsupported.ts'

type Environment = Readonly<Record<string, unknown>>

/** In order of precedence. */
const PREFIXES = ['RONDO_PL_TRAINER_', 'RONDO_TRAINER_', 'PL_TRAINER_']

/** `checkValEveryNEpoch` as `CHECK_VAL_EVERY_N_EPOCH`. */
export function variableName(argument: string): string {
  return snakeCase(argument).toUpperCase()
}

/** `checkValEveryNEpoch` as `check_val_every_n_epoch`. */
export function snakeCase(argument: string): string {
  return argument.replaceAll(/[A-Z]/g, (letter, at: number) => (at === 0 ? '' : '_') + letter.toLowerCase())
}

/**
 * Arguments that the environment sets. Empty texts count as unset.
 * @throws BAD_ARGUMENT naming the variable, for a text that its argument does not take
 */
export function fromEnvironment(environment: Environment): TrainerOptions {
  const options: Record<string, unknown> = {}
  const prefix = PREFIXES.find((each) => environment[`${each}TPU_CORES`])
  if (prefix)
    checkPossible('tpuCores', readArgument(`${prefix}TPU_CORES`, 'tpuCores', String(environment[`${prefix}TPU_CORES`])))
  for (const name of TRAINER_ARGUMENTS) {
    const variable = PREFIXES.map((each) => each + variableName(name)).find((each) => environment[each])
    if (variable === undefined) continue
    options[name] = readArgument(variable, name, String(environment[variable]))
  }
  return options as TrainerOptions
}

/**
 * A text as the value of an argument.
 * @param where the variable or flag, for messages
 */
export function readArgument(where: string, name: string, text: string): unknown {
  const kind = argumentOf(name)?.kind
  if (kind === undefined) return /^(none|null)$/i.test(text.trim()) ? null : text
  const value = kind.read(text)
  const shown = `${where}=${JSON.stringify(text)}`
  if (value === undefined) {
    throw new RondoError('BAD_ARGUMENT', `${shown}: allowed is ${kind.allowed}. Correct it, or leave it out.`)
  }
  check(shown, kind, value)
  return value
}

/** Arguments that say the same thing in two spellings: one from further out gives way to the other. */
const RIVALS: ReadonlyArray<ReadonlyArray<keyof TrainerOptions>> = [
  ['devices', 'gpus'],
  ['useDistributedSampler', 'replaceSamplerDdp'],
  ['enableCheckpointing', 'checkpointCallback'],
  ['enableModelSummary', 'weightsSummary'],
  ['enableProgressBar', 'progressBarRefreshRate'],
  ['precision', 'ampLevel'],
]

/** `outer` where `inner` says nothing, in whatever spelling. */
export function withDefaults(inner: TrainerOptions, outer: TrainerOptions): TrainerOptions {
  const given = (name: keyof TrainerOptions): boolean => inner[name] !== undefined
  const choosesStrategy =
    given('strategy') || given('distributedBackend') || isStrategyAccelerator(inner.accelerator) || namesPlugin(inner)
  const kept = Object.entries(outer).filter(([key, value]) => {
    const name = key as keyof TrainerOptions
    if (given(name)) return false
    if (RIVALS.some((group) => group.includes(name) && group.some(given))) return false
    const isStrategy =
      name === 'strategy' ||
      name === 'distributedBackend' ||
      (name === 'accelerator' && isStrategyAccelerator(value)) ||
      (name === 'plugins' && namesPlugin(outer))
    return !(isStrategy && choosesStrategy)
  })
  return { ...Object.fromEntries(kept), ...inner }
}

function namesPlugin({ plugins }: TrainerOptions): boolean {
  return [plugins].flat().some((plugin) => typeof plugin === 'string')
}

/** Checking options of strategies and hooks against what is allowed. Not for: what an option does. */
import { RondoError } from '@rondo/protocol'

export interface Rule {
  /** As it stands in a sentence: "a number above 0". */
  readonly allowed: string
  fits(value: unknown): boolean
}

/** Largest seed that random numbers take. */
const MAX_SEED = 0xffff_ffff

export const BOOLEAN: Rule = { allowed: 'true or false', fits: (value) => typeof value === 'boolean' }

export const SEED: Rule = wholeNumber(0, MAX_SEED)

/** From `least` to `most`. */
export function wholeNumber(least: number, most = Number.POSITIVE_INFINITY): Rule {
  const range = most === Number.POSITIVE_INFINITY ? `of at least ${least}` : `from ${least} to ${most}`
  return {
    allowed: `a whole number ${range}`,
    fits: (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
  }
}

/** A finite number for which `fits` holds; `allowed` says so: "above 0". */
export function number(allowed: string, fits: (value: number) => boolean): Rule {
  return {
    allowed: `a number ${allowed}`,
    fits: (value) => typeof value === 'number' && Number.isFinite(value) && fits(value),
  }
}

export function oneOf(...values: readonly string[]): Rule {
  return { allowed: values.map((value) => `"${value}"`).join(', '), fits: (value) => values.includes(value as string) }
}

/** Throws BAD_ARGUMENT, beginning with `where`, for an option without a rule and for a value that its rule forbids. */
export function checkOptions(where: string, options: object, rules: Readonly<Record<string, Rule>>): void {
  for (const [option, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, option) ? rules[option] : undefined
    if (rule === undefined) {
      const known = Object.keys(rules).join(', ')
      throw new RondoError(
        'BAD_ARGUMENT',
        `${where} has no option ${option}. ${known === '' ? 'It takes none' : `Allowed are ${known}`}. Correct or remove it.`,
      )
    }
    if (value === undefined || rule.fits(value)) continue
    throw new RondoError(
      'BAD_ARGUMENT',
      `${where}: ${option} is ${JSON.stringify(value) ?? String(value)}; it must be ${rule.allowed}. Correct it, or leave it out.`,
    )
  }
}

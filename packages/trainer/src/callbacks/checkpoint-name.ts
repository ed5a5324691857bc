/**
 * Names of checkpoint files from templates such as `{epoch:02d}-{val_loss:.2f}`, as Lightning's `ModelCheckpoint` forms
 * them: numbers by Python's format specifications. Not for: whether a name is taken (best-checkpoints.ts).
 */
import { RondoError } from '@rondo/protocol'
import { type FormatSpec, fits, formatNumber, parseFormat } from './python-format.ts'

/** `{name}` or `{name:specification}`. */
const PLACE = /\{([^{}:]+)(?::([^{}]*))?\}/g
/** What files of a run cannot have in their names. */
const FORBIDDEN = /[^\w.=/-]/g
/** Written as Python's integers; logged values are floats there. */
const WHOLE_NAMES: ReadonlySet<string> = new Set(['epoch', 'step'])

/** A name, and what about it a person should hear of. */
export interface FilledName {
  /** Without folder and ending. */
  name: string
  notes: string[]
}

/**
 * Checks a template before anything is trained.
 * @throws BAD_ARGUMENT for braces that do not fit together and specifications that are none of a number
 */
export function checkTemplate(owner: string, template: unknown): string {
  const option = `${owner}({ filename: ${JSON.stringify(template)} })`
  if (typeof template !== 'string') {
    throw new RondoError('BAD_ARGUMENT', `${option}: allowed is a text such as "{epoch:02d}-{val_loss:.2f}". Pass one.`)
  }
  for (const [place, , spec = ''] of template.matchAll(PLACE)) {
    if (parseFormat(spec) !== null) continue
    throw new RondoError(
      'BAD_ARGUMENT',
      `${option}: "${spec}" in ${place} is no format of a number. Allowed are those of Python, such as 02d, .2f, .1e and .3g. Correct it.`,
    )
  }
  if (/[{}]/.test(template.replaceAll(PLACE, ''))) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `${option}: the braces do not fit together. Allowed are {name} and {name:format}, such as {val_loss:.2f}. Correct it.`,
    )
  }
  return template
}

/**
 * Fills in a template. A name that was not logged counts as 0.
 * @param autoInsert writes `epoch=02` in the place of `02`
 * @throws BAD_ARGUMENT for a specification of whole numbers and a value that is none
 */
export function checkpointName(
  template: string,
  values: Readonly<Record<string, number>>,
  autoInsert: boolean,
): FilledName {
  const notes: string[] = []
  const filled = template.replace(PLACE, (place, name: string, text: string | undefined) => {
    const value = values[name]
    if (value === undefined) notes.push(`"${name}" was not logged and stands as 0 in the name of the checkpoint.`)
    const spec = parseFormat(text ?? '') as FormatSpec
    if (!fits(value ?? 0, spec)) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `ModelCheckpoint({ filename: ${JSON.stringify(template)} }): ${name} is ${value}, and ${place} is for whole numbers. Allowed for it are formats like .2f and .1e. Write {${name}:.2f}.`,
      )
    }
    const kind = value === undefined || WHOLE_NAMES.has(name) ? 'int' : 'float'
    const number = formatNumber(value ?? 0, spec, kind)
    return autoInsert ? `${name}=${number}` : number
  })
  const name = filled.replace(FORBIDDEN, '_')
  if (name !== filled) {
    notes.push(`The checkpoint "${filled}" is called "${name}": names of files have letters, digits and . _ = - /.`)
  }
  return { name, notes }
}

/** `name`, or `name-v1`, `name-v2` … if it is taken. */
export async function freeName(
  name: string,
  isTaken: (candidate: string) => boolean | Promise<boolean>,
): Promise<string> {
  if (!(await isTaken(name))) return name
  let version = 1
  while (await isTaken(`${name}-v${version}`)) version++
  return `${name}-v${version}`
}

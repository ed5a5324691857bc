/** Names of checkpoint files from templates such as `{epoch:02d}-{val_loss:.2f}`, as Lightning forms them. */

/** `{name}` or `{name:format}`, the format being Python's for d, f, e and g. */
const PLACE = /\{([^}:]+)(?::([^}]*))?\}/g
const FORMAT = /^(0?)(\d*)(?:\.(\d+))?([dfeg]?)$/
/** What files of a run may be called. */
const FORBIDDEN = /[^\w.=/-]/g

/**
 * Fills in a template.
 * @param autoInsert writes `epoch=02` in the place of `02`
 * @returns a name without folder and ending
 */
export function checkpointName(
  template: string,
  values: Readonly<Record<string, number>>,
  autoInsert: boolean,
): string {
  const filled = template.replace(PLACE, (_, name: string, format: string | undefined) => {
    const text = formatNumber(values[name] ?? 0, format ?? '')
    return autoInsert ? `${name}=${text}` : text
  })
  return filled.replace(FORBIDDEN, '_')
}

/** `name`, or `name-v1`, `name-v2` … if it is taken. */
export function freeName(name: string, isTaken: (candidate: string) => boolean): string {
  if (!isTaken(name)) return name
  let version = 1
  while (isTaken(`${name}-v${version}`)) version++
  return `${name}-v${version}`
}

function formatNumber(value: number, format: string): string {
  const [, zero = '', width = '', digits, kind = ''] = FORMAT.exec(format) ?? []
  const text = render(value, kind, digits === undefined ? null : Number(digits))
  return text.padStart(Number(width || 0), zero === '0' ? '0' : ' ').replaceAll(' ', '_')
}

function render(value: number, kind: string, digits: number | null): string {
  switch (kind) {
    case 'd':
      return String(Math.trunc(value))
    case 'f':
      return value.toFixed(digits ?? 6)
    case 'e':
      return value.toExponential(digits ?? 6)
    case 'g':
      return String(Number(value.toPrecision(digits || 6)))
    default:
      return digits === null ? String(value) : String(Number(value.toPrecision(digits || 1)))
  }
}

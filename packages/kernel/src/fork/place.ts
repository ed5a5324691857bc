/**
 * Where a value lies below a variable, kept as a linked list while a graph is walked, so that a path is only
 * written out when something is refused.
 */

/** A step from the parent: a property, an index, or code in angle brackets such as `<.get("a")>`. */
export interface Place {
  readonly parent: Place | null
  readonly key: string | number | symbol
  /** Functions on the way to the root variable; set at the root. */
  readonly needs?: readonly string[]
}

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u
/** Keys longer than this are cut in messages. */
const MAX_KEY_LENGTH = 60

/** A variable or an argument, as it is written in messages: `cfg`, `args[1]`. */
export function rootPlace(name: string, needs: readonly string[] = []): Place {
  return { parent: null, key: name, needs }
}

export function childPlace(parent: Place, key: string | number | symbol): Place {
  return { parent, key }
}

/** The whole path, as JavaScript would reach the value: `cfg.layers[2]["a b"]`. */
export function pathOf(place: Place): string {
  const steps: string[] = []
  let at: Place = place
  for (; at.parent !== null; at = at.parent) steps.push(stepText(at.key))
  return String(at.key) + steps.reverse().join('')
}

/** The functions that lead to the place's root. */
export function needsOf(place: Place): readonly string[] {
  let at: Place = place
  while (at.parent !== null) at = at.parent
  return at.needs ?? []
}

function stepText(key: string | number | symbol): string {
  if (typeof key === 'number') return `[${key}]`
  if (typeof key === 'symbol') return `[${String(key)}]`
  if (key.startsWith('<.') && key.endsWith('>')) return key.slice(1, -1)
  if (IDENTIFIER.test(key)) return `.${key}`
  return `[${JSON.stringify(key.length > MAX_KEY_LENGTH ? `${key.slice(0, MAX_KEY_LENGTH)}…` : key)}]`
}

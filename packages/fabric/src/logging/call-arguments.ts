/**
 * What a method declares to take, read off its text: named arguments of `fabric.call` are cut to that, so that a hook
 * may get more over time and old callbacks still work. Not for: calling.
 */

/** `args`, with every plain object cut to the names that the method's pattern at its place lists. */
export function declaredArguments(method: (...args: never[]) => unknown, args: readonly unknown[]): unknown[] {
  if (!args.some(isPlain)) return [...args]
  const parameters = parametersOf(Function.prototype.toString.call(method))
  return args.map((arg, i) => {
    const names = isPlain(arg) ? namesOf(parameters[i] ?? '') : null
    if (names === null) return arg
    return Object.fromEntries(Object.entries(arg as object).filter(([key]) => names.includes(key)))
  })
}

function isPlain(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

/** Texts between the first pair of parentheses, split at its commas. */
function parametersOf(text: string): string[] {
  const start = text.indexOf('(')
  return start < 0 ? [] : split(text.slice(start + 1))
}

/** Names of an object pattern; null for any other parameter, and for a pattern that takes the rest. */
function namesOf(parameter: string): string[] | null {
  const pattern = parameter.trim()
  if (!pattern.startsWith('{')) return null
  const fields = split(pattern.slice(1)).map((field) => field.trim())
  if (fields.some((field) => field.startsWith('...'))) return null
  return fields.flatMap((field) => /^['"]?([\w$]+)/.exec(field)?.[1] ?? [])
}

/** Splits at commas until the bracket that closes what came before `text`. */
function split(text: string): string[] {
  const pieces: string[] = []
  let depth = 0
  let piece = ''
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string
    if (character === '"' || character === "'" || character === '`') {
      const end = closing(text, i)
      piece += text.slice(i, end + 1)
      i = end
      continue
    }
    if ('([{'.includes(character)) depth += 1
    if (')]}'.includes(character)) depth -= 1
    if (depth < 0) break
    if (character === ',' && depth === 0) {
      pieces.push(piece)
      piece = ''
    } else {
      piece += character
    }
  }
  return piece.trim() === '' ? pieces : [...pieces, piece]
}

/** Where the quotation that begins at `start` ends. */
function closing(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i += 1
    else if (text[i] === text[start]) return i
  }
  return text.length
}

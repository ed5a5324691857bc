/** What stands before the cursor: a name, a member of something, a magic, or nothing to complete. Reads text only. */
import { tokenizer } from 'acorn'

export type CompletionContext =
  | { kind: 'name'; from: number; prefix: string }
  /** `path` are plain names: `a.b.pre` has path `['a', 'b']`. */
  | { kind: 'member'; from: number; prefix: string; path: string[] }
  /** Between the braces of an import of this module. */
  | { kind: 'import'; from: number; prefix: string; specifier: string }
  | { kind: 'magic'; from: number; prefix: string }
  | { kind: 'none' }

const NAME = '[\\p{ID_Start}$_][\\p{ID_Continue}$]*'
const MEMBER = new RegExp(`(${NAME}(?:\\s*\\??\\.\\s*${NAME})*)\\s*\\??\\.\\s*((?:${NAME})?)$`, 'u')
const IMPORT = new RegExp(`\\bimport\\s+(?:type\\s+)?(?:${NAME}\\s*,\\s*)?\\{[^{}'"\`]*?((?:${NAME})?)$`, 'u')
const IMPORT_END = /^[^{}'"`]*\}\s*from\s*(['"])([^'"\n]+)\1/
/** What most cells import from; taken until the text says otherwise. */
const USUAL_MODULE = 'rondo'
const WORD = new RegExp(`(?<![\\p{ID_Continue}$.])(${NAME})?$`, 'u')

export function completionContext(code: string, offset: number): CompletionContext {
  const before = code.slice(0, offset)
  const magic = /^(?:[ \t]*(?:\/\/[^\n]*)?\n)*[ \t]*(%{1,2}[\w-]*)$/.exec(before)
  if (magic !== null) {
    const prefix = magic[1] ?? ''
    return { kind: 'magic', from: offset - prefix.length, prefix }
  }
  if (isInsideText(code, offset)) return { kind: 'none' }
  const imported = IMPORT.exec(before)
  if (imported !== null) {
    const prefix = imported[1] ?? ''
    const specifier = IMPORT_END.exec(code.slice(offset))?.[2] ?? USUAL_MODULE
    return { kind: 'import', from: offset - prefix.length, prefix, specifier }
  }
  const member = MEMBER.exec(before)
  // `1.` and `f().` do not match: only names that can be looked up without running anything.
  if (member !== null && !/[\p{ID_Continue}$)\]"'`.]$/u.test(before.slice(0, member.index).trimEnd().slice(-1))) {
    const prefix = member[2] ?? ''
    const path = (member[1] ?? '').split(/\s*\??\.\s*/)
    return { kind: 'member', from: offset - prefix.length, prefix, path }
  }
  const word = WORD.exec(before)
  if (word === null) return { kind: 'none' }
  const prefix = word[1] ?? ''
  return { kind: 'name', from: offset - prefix.length, prefix }
}

/** Whether a place is in a comment, a string or the text of a template. Unfinished code is read as far as it goes. */
function isInsideText(code: string, offset: number): boolean {
  let inside = false
  let last = 0
  const options = {
    ecmaVersion: 'latest',
    sourceType: 'module',
    onComment: (block: boolean, _text: string, start: number, end: number) => {
      if (start < offset && (block ? offset < end : offset <= end)) inside = true
    },
  } as const
  try {
    for (const token of tokenizer(code, options)) {
      // The quote of a template is a token of its own, also when nothing closes it.
      last = token.type.label === '`' ? token.start : token.end
      if (token.start >= offset) break
      const isText = token.type.label === 'string' || token.type.label === 'template' || token.type.label === 'regexp'
      if (isText && offset > token.start && offset < token.end) inside = true
    }
  } catch {
    // The tokenizer stops at an open string, template or comment: what follows it is its text.
    const rest = code.slice(last, offset)
    return inside || /^[^\n]*(["'])[^\n]*$/.test(rest) || /`|\/\*/.test(rest)
  }
  return inside
}

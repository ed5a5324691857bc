/** What stands before the cursor: a name, a member of something, a magic, or nothing to complete. Reads text only. */
import { tokenizer } from 'acorn'

export type CompletionContext =
  | { kind: 'name'; from: number; prefix: string }
  /** `path` are plain names: `a.b.pre` has path `['a', 'b']`. */
  | { kind: 'member'; from: number; prefix: string; path: string[] }
  | { kind: 'magic'; from: number; prefix: string }
  | { kind: 'none' }

const NAME = '[\\p{ID_Start}$_][\\p{ID_Continue}$]*'
const MEMBER = new RegExp(`(${NAME}(?:\\s*\\??\\.\\s*${NAME})*)\\s*\\??\\.\\s*((?:${NAME})?)$`, 'u')
const WORD = new RegExp(`(?<![\\p{ID_Continue}$.])(${NAME})?$`, 'u')

export function completionContext(code: string, offset: number): CompletionContext {
  const before = code.slice(0, offset)
  const magic = /^(?:[ \t]*(?:\/\/[^\n]*)?\n)*[ \t]*(%{1,2}[\w-]*)$/.exec(before)
  if (magic !== null) {
    const prefix = magic[1] ?? ''
    return { kind: 'magic', from: offset - prefix.length, prefix }
  }
  if (isInsideText(code, offset)) return { kind: 'none' }
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
      last = token.end
      if (token.start >= offset) break
      const isText = token.type.label === 'string' || token.type.label === 'template' || token.type.label === 'regexp'
      if (isText && offset > token.start && offset < token.end) inside = true
    }
  } catch {
    // The tokenizer stops at an open string or template: what follows it on that line is its text.
    const rest = code.slice(last, offset)
    return inside || /^[^\n]*(["'])[^\n]*$/.test(rest) || rest.includes('`')
  }
  return inside
}

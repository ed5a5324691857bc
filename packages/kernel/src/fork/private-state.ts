/** Finds state of a class that nothing outside of it can read: `#fields`. Not for: TypeScript's `private`. */

import { parseExpressionAt } from 'acorn'
import type { Objection } from './hints.ts'
import { isNative } from './kinds.ts'

interface Member {
  type: string
  static?: boolean
  key?: { type: string; name?: string }
}

const known = new WeakMap<object, string[]>()

/** Names of a class's own private members that belong to instances: `#weights`. */
function privateMembers(maker: object): string[] {
  const cached = known.get(maker)
  if (cached !== undefined) return cached
  const text = Function.prototype.toString.call(maker)
  const found = /#[\p{ID_Start}$_]/u.test(text) ? parsedMembers(text) : []
  known.set(maker, found)
  return found
}

function parsedMembers(text: string): string[] {
  let body: Member[]
  try {
    const node = parseExpressionAt(`(${text})`, 1, { ecmaVersion: 'latest' }) as unknown as {
      type: string
      body: { body: Member[] }
    }
    body = node.type === 'ClassExpression' ? node.body.body : []
  } catch {
    // Syntax that the parser doesn't know: better to refuse than to lose state silently.
    return ['#…']
  }
  return body.flatMap(({ key, static: isStatic }) =>
    key?.type === 'PrivateIdentifier' && isStatic !== true ? [`#${key.name}`] : [],
  )
}

/** Why instances of a class can't be copied: it, or a class that it extends, keeps private state. */
export function privateStateObjection(maker: object): Objection | null {
  let at: object | null = maker
  for (; typeof at === 'function' && !isNative(at); at = Object.getPrototypeOf(at) as object | null) {
    const names = privateMembers(at)
    if (names.length === 0) continue
    const name = (at as { name?: unknown }).name
    return {
      kind: `an instance of ${String(name)}, which keeps private state (${[...new Set(names)].join(', ')})`,
      hint: 'Nothing outside of the class can read that. Use ordinary fields (`private` of TypeScript is fine), or make the instance in the launched code.',
    }
  }
  return null
}

/** Completion of a cell's code from what the kernel knows: names of the scope, globals, members, magics. */
import { MAGICS } from '../magics/parse.ts'
import type { Scope } from '../run/scope.ts'
import type { CompletionItem, CompletionList } from '../run/types.ts'
import { type CompletionContext, completionContext } from './context.ts'
import { describeValue, isNothing, membersOf, peek } from './members.ts'

const KEYWORDS = (
  'as async await break case catch class const continue default delete do else enum extends false finally for from ' +
  'function if import in instanceof interface let new null of return static super switch this throw true try type ' +
  'typeof undefined var void while yield'
).split(' ')

/** Declarations in text that may not parse yet. */
const DECLARED = /\b(?:const|let|var|function\*?|class|enum)\s+([\p{ID_Start}$_][\p{ID_Continue}$]*)/gu

/** Loaded modules by what `import` calls them. */
export type ModuleLookup = (specifier: string) => object | null

/** `offset` counts UTF-16 units of `code`. Runs nothing of the person's: no getters, no proxies' traps on purpose. */
export function completeCode(
  code: string,
  offset: number,
  scope: Scope,
  moduleOf: ModuleLookup = () => null,
): CompletionList {
  const context = completionContext(code, Math.max(0, Math.min(offset, code.length)))
  if (context.kind === 'none') return { from: offset, items: [] }
  const prefix = context.prefix.toLowerCase()
  const items = candidates(context, code, scope, moduleOf).filter(({ label }) => label.toLowerCase().startsWith(prefix))
  return { from: context.from, items }
}

function candidates(
  context: Exclude<CompletionContext, { kind: 'none' }>,
  code: string,
  scope: Scope,
  moduleOf: ModuleLookup,
): CompletionItem[] {
  switch (context.kind) {
    case 'import': {
      const module = moduleOf(context.specifier)
      return module === null ? [] : membersOf(module)
    }
    case 'magic':
      return MAGICS.map(({ usage, detail }) => ({ label: usage.split(' ')[0] ?? usage, type: 'magic', detail }))
    case 'member':
      return membersOfPath(context.path, scope)
    case 'name':
      return namesInReach(code, context, scope)
    default:
      return context satisfies never
  }
}

function membersOfPath(path: readonly string[], scope: Scope): CompletionItem[] {
  try {
    const [first = '', ...rest] = path
    let value = rootValue(first, scope)
    for (const name of rest) value = peek(value, name)
    return isNothing(value) ? [] : membersOf(value)
  } catch {
    // A proxy whose traps throw.
    return []
  }
}

function rootValue(name: string, scope: Scope): unknown {
  const own = peek(scope.values, name)
  if (!isNothing(own)) return own
  return scope.global(name) ?? peek(globalThis, name)
}

function namesInReach(code: string, context: { from: number; prefix: string }, scope: Scope): CompletionItem[] {
  const items = new Map<string, CompletionItem>()
  const add = (item: CompletionItem): void => {
    if (!items.has(item.label)) items.set(item.label, item)
  }
  for (const name of Object.keys(scope.values)) {
    const item = describeValue(name, scope.values[name])
    const declaration = scope.declaration(name)
    const from = declaration === null ? '' : `[${declaration.cell.cellNumber}]`
    add({ ...item, detail: [item.detail, from].filter(Boolean).join(' ') })
  }
  // Names of this cell that has not run yet, except the word that is being written.
  for (const found of code.matchAll(DECLARED)) {
    const label = found[1] ?? ''
    const isBeingWritten = found.index + found[0].length - label.length === context.from
    if (!isBeingWritten) add({ label, type: 'variable', detail: 'this cell' })
  }
  for (const name of scope.globalNames()) add(describeValue(name, scope.global(name)))
  for (const label of KEYWORDS) add({ label, type: 'keyword', detail: '' })
  // The platform has hundreds of names: only when a letter says which.
  if (context.prefix !== '') {
    for (const name of Object.getOwnPropertyNames(globalThis)) add(describeValue(name, peek(globalThis, name)))
  }
  return [...items.values()]
}

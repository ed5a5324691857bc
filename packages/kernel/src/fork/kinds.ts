/**
 * Tells what a value is, whichever realm made it, and says it in words. Never calls a getter or a method of the
 * value, so that looking has no effect.
 */

/** What the codec can take apart by itself. */
export type Builtin = 'array' | 'map' | 'set' | 'date' | 'regexp' | 'error' | 'buffer' | 'typed' | 'view'

/** `DataView` is `view` to {@link builtinOf}; typed arrays are the rest of these. */
export const BINARY_TYPES = [
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float16Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
] as const

/** Errors that keep their class without being a class of the notebook. */
export const ERROR_TYPES = [
  'Error',
  'TypeError',
  'RangeError',
  'SyntaxError',
  'ReferenceError',
  'EvalError',
  'URIError',
]

const getter = (prototype: object, name: string | symbol): (() => unknown) =>
  Object.getOwnPropertyDescriptor(prototype, name)!.get as () => unknown

const typedPrototype = Object.getPrototypeOf(Uint8Array.prototype) as object
const typedName = getter(typedPrototype, Symbol.toStringTag)
const mapSize = getter(Map.prototype, 'size')
const setSize = getter(Set.prototype, 'size')
const bufferLength = getter(ArrayBuffer.prototype, 'byteLength')
const viewLength = getter(DataView.prototype, 'byteLength')
const regexpSource = getter(RegExp.prototype, 'flags')

/** Whether an internal-slot check passes: these throw for objects of any other kind, in every realm. */
function passes(check: () => unknown): boolean {
  try {
    check()
    return true
  } catch {
    return false
  }
}

/** Name of a typed array's type (`Float32Array`), or undefined. */
export function typedArrayName(value: object): string | undefined {
  return typedName.call(value) as string | undefined
}

/** What lies beneath an object that is not plain. null: nothing the codec knows. */
export function builtinOf(value: object): Builtin | null {
  if (Array.isArray(value)) return 'array'
  if (typedArrayName(value) !== undefined) return 'typed'
  const tag = Object.prototype.toString.call(value)
  if (tag === '[object Error]' || value instanceof Error) return 'error'
  if (passes(() => mapSize.call(value))) return 'map'
  if (passes(() => setSize.call(value))) return 'set'
  if (passes(() => Date.prototype.getTime.call(value))) return 'date'
  if (passes(() => bufferLength.call(value))) return 'buffer'
  if (passes(() => viewLength.call(value))) return 'view'
  if (tag === '[object RegExp]' && passes(() => regexpSource.call(value))) return 'regexp'
  return null
}

/** `{}` of any realm, or an object without prototype. */
export function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null
  if (prototype === null || prototype === Object.prototype) return true
  // Another realm's Object.prototype: nothing above it, and it has what every Object.prototype has.
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'hasOwnProperty')
}

/** Whether the prototype is the builtin's own and not a subclass's. */
export function hasBuiltinPrototype(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null
  if (prototype === Array.prototype) return true
  const maker = prototype === null ? undefined : dataProperty(prototype, 'constructor')
  return typeof maker === 'function' && isNative(maker)
}

/** Functions that are not written in JavaScript, and bound ones. */
export function isNative(value: object): boolean {
  return /\{\s*\[native code\]\s*\}\s*$/.test(Function.prototype.toString.call(value))
}

/** An own property's value without calling a getter. */
export function dataProperty(value: object, key: PropertyKey): unknown {
  return Object.getOwnPropertyDescriptor(value, key)?.value
}

/** Name of the class that made an object; '' where that can't be seen without calling code. */
export function className(value: object): string {
  for (let at = Object.getPrototypeOf(value) as object | null; at !== null; at = Object.getPrototypeOf(at)) {
    const maker = dataProperty(at, 'constructor')
    const name = typeof maker === 'function' ? dataProperty(maker, 'name') : undefined
    if (typeof name === 'string' && name !== '') return name
  }
  return ''
}

/** What an object calls itself by Symbol.toStringTag, as platform objects do; '' for none. */
export function tagName(value: object): string {
  for (let at: object | null = value; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const tag = dataProperty(at, Symbol.toStringTag)
    if (typeof tag === 'string') return tag
  }
  return ''
}

/** `an array`, `a Map`. */
export const withArticle = (noun: string): string => `${/^[aeiou]/i.test(noun) ? 'an' : 'a'} ${noun}`

/** What a function is called in messages. */
export function functionKind(value: object): string {
  const text = Function.prototype.toString.call(value)
  const name = dataProperty(value, 'name')
  const named = typeof name === 'string' && name !== '' ? ` "${name}"` : ''
  if (/^class\b/.test(text)) return `a class${named}`
  if (isNative(value)) return named.startsWith(' "bound ') ? `a bound function${named}` : `a built-in function${named}`
  if (/^(async\s*)?(\([\s\S]*?\)|[\w$]+)\s*=>/.test(text)) return `an arrow function${named}`
  return `a function${named}`
}

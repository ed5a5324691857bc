/**
 * Values as bytes, for broadcastObject. May cross: null, undefined, booleans, numbers (NaN, infinities, −0
 * too), bigints, strings, Date, Map, Set, arrays, plain objects, ArrayBuffer, typed arrays, and nestings of
 * these. May not: functions, symbols, cycles, instances of other classes (a tensor: send `await t.data()`);
 * the error names the path. Shared references arrive as copies.
 */
import { RondoError } from '@rondo/protocol'

/** Layout: u32 bytes of JSON, JSON, padding to 8, then the arrays' bytes, each padded to 8. */
const HEADER_BYTES = 4
/** Levels of nesting; deeper values are almost surely a mistake and would exhaust the stack. */
const MAX_DEPTH = 500
/** Key of an object that stands for something JSON has no form for. */
const TAG = '$'

const ARRAYS = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
} as const
type ArrayName = keyof typeof ARRAYS

/** Throws BAD_ARGUMENT naming the path of what can't cross. */
export function encodeObject(value: unknown, call: string): Uint8Array {
  const blobs: Uint8Array[] = []
  let blobBytes = 0
  const above = new Set<object>()

  function attach(bytes: Uint8Array): number {
    const at = blobBytes
    blobs.push(bytes)
    blobBytes += aligned(bytes.byteLength)
    return at
  }

  function refuse(path: string, kind: string, hint: string): never {
    throw new RondoError(
      'BAD_ARGUMENT',
      `${call} got ${kind} at ${path}, which can't cross to another rank. Allowed are JSON values, undefined, bigint, Date, Map, Set and typed arrays. ${hint}`,
      { details: { path } },
    )
  }

  function tree(x: unknown, path: string): unknown {
    switch (typeof x) {
      case 'string':
      case 'boolean':
        return x
      case 'number':
        return Number.isFinite(x) && !Object.is(x, -0) ? x : { [TAG]: 'number', v: Object.is(x, -0) ? '-0' : String(x) }
      case 'undefined':
        return { [TAG]: 'undefined' }
      case 'bigint':
        return { [TAG]: 'bigint', v: String(x) }
      case 'function':
        return refuse(path, `the function ${x.name || '(anonymous)'}`, 'Define it in the code that every rank runs.')
      case 'symbol':
        return refuse(path, 'a symbol', 'Send a string instead.')
      default:
    }
    if (x === null) return null
    const object = x as object
    if (above.has(object)) refuse(path, 'an object that contains itself', 'Send ids instead of references.')
    if (above.size >= MAX_DEPTH) refuse(path, `more than ${MAX_DEPTH} levels of nesting`, 'Flatten the value.')
    above.add(object)
    const out = branch(object, path)
    above.delete(object)
    return out
  }

  function branch(x: object, path: string): unknown {
    if (Array.isArray(x)) return Array.from(x, (item, i) => tree(item, `${path}[${i}]`))
    if (x instanceof Date) return { [TAG]: 'Date', v: x.getTime() }
    if (x instanceof Set) return { [TAG]: 'Set', v: Array.from(x, (item, i) => tree(item, `${path}.values()[${i}]`)) }
    if (x instanceof Map) {
      return {
        [TAG]: 'Map',
        v: Array.from(x, ([key, item], i) => [
          tree(key, `${path}.keys()[${i}]`),
          tree(item, `${path}.get(${typeof key === 'string' ? JSON.stringify(key) : `key ${i}`})`),
        ]),
      }
    }
    if (x instanceof ArrayBuffer) return { [TAG]: 'ArrayBuffer', at: attach(new Uint8Array(x)), n: x.byteLength }
    if (ArrayBuffer.isView(x)) {
      const name = (x as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] ?? ''
      if (!Object.hasOwn(ARRAYS, name)) refuse(path, `a ${name || 'view'}`, 'Send one of the typed arrays.')
      return { [TAG]: name, at: attach(new Uint8Array(x.buffer, x.byteOffset, x.byteLength)), n: x.byteLength }
    }
    const prototype = Object.getPrototypeOf(x)
    if (prototype !== Object.prototype && prototype !== null) {
      const name = x.constructor?.name || 'unnamed class'
      refuse(path, `an instance of ${name}`, 'Send its plain data (for a tensor: `await t.data()`).')
    }
    const entries = Object.entries(x).map(([key, item]) => [key, tree(item, join(path, key))] as const)
    return Object.hasOwn(x, TAG) ? { [TAG]: 'object', v: entries } : Object.fromEntries(entries)
  }

  const json = new TextEncoder().encode(JSON.stringify(tree(value, 'value')))
  const start = aligned(HEADER_BYTES + json.byteLength)
  const out = new Uint8Array(start + blobBytes)
  new DataView(out.buffer).setUint32(0, json.byteLength, true)
  out.set(json, HEADER_BYTES)
  let at = start
  for (const blob of blobs) {
    out.set(blob, at)
    at += aligned(blob.byteLength)
  }
  return out
}

/** Throws BAD_MESSAGE for bytes that `encodeObject` did not make. */
export function decodeObject(bytes: Uint8Array): unknown {
  try {
    const jsonBytes = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true)
    const json = bytes.subarray(HEADER_BYTES, HEADER_BYTES + jsonBytes)
    const blobs = bytes.subarray(aligned(HEADER_BYTES + jsonBytes))
    return revive(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json)), blobs)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new RondoError(
      'BAD_MESSAGE',
      `An object of ${bytes.byteLength} bytes from another rank can't be read: ${why}`,
    )
  }
}

function revive(node: unknown, blobs: Uint8Array): unknown {
  if (typeof node !== 'object' || node === null) return node
  if (Array.isArray(node)) return node.map((item) => revive(item, blobs))
  if (!Object.hasOwn(node, TAG)) {
    // fromEntries defines keys, so that a key like __proto__ stays data.
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, revive(item, blobs)]))
  }
  const { [TAG]: tag, v, at, n } = node as { [TAG]: string; v?: unknown; at?: number; n?: number }
  switch (tag) {
    case 'undefined':
      return undefined
    case 'number':
      return Number(v)
    case 'bigint':
      return BigInt(v as string)
    case 'Date':
      return new Date(v === null ? Number.NaN : (v as number))
    case 'Set':
      return new Set((v as unknown[]).map((item) => revive(item, blobs)))
    case 'Map':
      return new Map((v as Array<[unknown, unknown]>).map(([key, item]) => [revive(key, blobs), revive(item, blobs)]))
    case 'object':
      return Object.fromEntries((v as Array<[string, unknown]>).map(([key, item]) => [key, revive(item, blobs)]))
    case 'ArrayBuffer':
      return blob(blobs, at, n).buffer
    default:
      if (!Object.hasOwn(ARRAYS, tag)) throw new Error(`unknown kind "${tag}"`)
      return new ARRAYS[tag as ArrayName](blob(blobs, at, n).buffer)
  }
}

function blob(blobs: Uint8Array, at: unknown, n: unknown): Uint8Array<ArrayBuffer> {
  const inside = Number.isInteger(at) && Number.isInteger(n) && (at as number) >= 0 && (n as number) >= 0
  if (!inside || (at as number) + (n as number) > blobs.byteLength) throw new Error(`no array at ${at} of ${n} bytes`)
  return blobs.slice(at as number, (at as number) + (n as number))
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}

function join(path: string, key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`
}

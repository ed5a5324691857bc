/**
 * The bytes of an encoded value: a JSON table of nodes, followed by raw segments that typed arrays look into.
 * This file knows the layout and its bounds; what a node means is encoder.ts's and decoder.ts's.
 *
 *   u32 magic · u32 version · u32 length of the JSON · u32 zero · JSON (UTF-8) · padding · segments, 8-byte aligned
 */

/** A value inside a node: JSON primitives stand for themselves, everything else is one of the objects. */
export type Slot =
  | null
  | boolean
  | number
  | string
  /** Reference to a node. */
  | { r: number }
  | { u: 1 }
  /** A hole of an array. */
  | { h: 1 }
  /** NaN, the infinities and -0, which JSON loses. */
  | { n: 'NaN' | 'Infinity' | '-Infinity' | '-0' }
  | { b: string }

/** Properties: `k` is an index into {@link Table.keys}, so that alike objects share their names; hidden ones are not enumerable. */
export interface Fields {
  k: number
  v: Slot[]
  hidden?: number[]
}

/** An object of the graph. `v` of binary nodes is an index into {@link Table.views}. */
export type Node =
  | { t: 'object'; f: Fields; bare?: 1 }
  | { t: 'array'; v: Slot[]; f?: Fields }
  /** An array that holds numbers only, as float64. */
  | { t: 'numbers'; v: number }
  | { t: 'map'; k: Slot[]; v: Slot[]; f?: Fields }
  | { t: 'set'; v: Slot[]; f?: Fields }
  | { t: 'date'; v: number | null; f?: Fields }
  | { t: 'regexp'; source: string; flags: string; last: number }
  | { t: 'error'; type: string; stack: string; f: Fields }
  | { t: 'buffer'; v: number }
  | { t: 'typed'; type: string; v: number }
  /** An instance of a class of the notebook; `of` is what lies beneath (a plain object, a Map …). */
  | { t: 'instance'; class: Slot; name: string; of: Node }
  /** A value that an injected codec took apart. */
  | { t: 'codec'; name: string; v: Slot }
  /** A function or class of the notebook, known by its name on both sides. */
  | { t: 'named'; name: string }
  /** A function or class of the notebook, as code: a unit of the program. */
  | { t: 'code'; unit: number; f?: Fields }
  /** Something that a module exports: the namespace itself for an empty path. */
  | { t: 'import'; specifier: string; path: string[] }
  /** Something that every worker has: `['Math', 'max']`. */
  | { t: 'global'; path: string[] }

export interface Table {
  root: Slot
  nodes: Node[]
  keys: string[][]
  /** Segment, byte offset inside of it, and length in bytes. */
  views: Array<[segment: number, offset: number, length: number]>
  /** Byte lengths of the segments, in order. */
  segments: number[]
  /** What the program adds to a value; absent for plain values. */
  program?: unknown
}

const MAGIC = 0x4f444e52 // 'RNDO', little-endian
const VERSION = 1
const HEADER_BYTES = 16
/** Segments start at multiples of this, so that every typed array fits. */
const ALIGNMENT = 8

/** Rounds up to the next place where a segment may start. */
const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT

/** Writes table and segments into one buffer. Each segment is copied once. */
export function pack(table: Table, segments: readonly Uint8Array[]): ArrayBuffer {
  const json = new TextEncoder().encode(JSON.stringify(table))
  let total = aligned(HEADER_BYTES + json.byteLength)
  for (const segment of segments) total += aligned(segment.byteLength)
  const bytes = new Uint8Array(total)
  const header = new DataView(bytes.buffer)
  header.setUint32(0, MAGIC, true)
  header.setUint32(4, VERSION, true)
  header.setUint32(8, json.byteLength, true)
  bytes.set(json, HEADER_BYTES)
  let offset = aligned(HEADER_BYTES + json.byteLength)
  for (const segment of segments) {
    bytes.set(segment, offset)
    offset += aligned(segment.byteLength)
  }
  return bytes.buffer
}

/** Bytes that are no encoded value, or are cut off. */
export function malformed(what: string): Error {
  return new Error(`These bytes are no value that Rondo encoded (${what}). Both ends must run the same version.`)
}

/** Reads the table and finds the segments, which stay where they are. Throws for anything that doesn't fit. */
export function unpack(bytes: ArrayBuffer): { table: Table; segments: Uint8Array<ArrayBuffer>[] } {
  if (bytes.byteLength < HEADER_BYTES) throw malformed('shorter than a header')
  const header = new DataView(bytes)
  if (header.getUint32(0, true) !== MAGIC) throw malformed('unknown mark')
  if (header.getUint32(4, true) !== VERSION) throw malformed(`version ${header.getUint32(4, true)}`)
  const length = header.getUint32(8, true)
  if (HEADER_BYTES + length > bytes.byteLength) throw malformed('cut off')
  const table = parseTable(
    new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array(bytes, HEADER_BYTES, length)),
  )
  let offset = aligned(HEADER_BYTES + length)
  const segments = table.segments.map((size) => {
    if (!isIndex(size) || offset + size > bytes.byteLength) throw malformed('segments are cut off')
    const segment = new Uint8Array(bytes, offset, size)
    offset += aligned(size)
    return segment
  })
  for (const view of table.views) {
    if (!Array.isArray(view) || !view.every(isIndex)) throw malformed('a view is no view')
    const [segment, from, size] = view
    if (from + size > (table.segments[segment] ?? -1)) throw malformed('a view leaves its segment')
  }
  return { table, segments }
}

function parseTable(text: string): Table {
  const table = JSON.parse(text) as Partial<Table> | null
  const lists = [table?.nodes, table?.keys, table?.views, table?.segments]
  if (table === null || !lists.every(Array.isArray)) throw malformed('no table')
  return table as Table
}

/** A whole number that can count bytes or nodes. */
export function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

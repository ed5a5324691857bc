/**
 * safetensors files (github.com/huggingface/safetensors): 8 bytes of header length, a JSON header, then raw
 * little-endian values. Read as strictly as the reference does: every bound is checked before a byte is used.
 * Not for: deciding what a checkpoint contains (fabric), or where it is stored.
 */
import { RondoError } from '@rondo/protocol'
import {
  bytesPerElement,
  fromBytes,
  type NumericArray,
  SAFETENSORS_TYPES,
  type SafetensorsType,
  toBytes,
  typeOfArray,
} from './dtypes.ts'

export interface NamedTensor {
  name: string
  shape: readonly number[]
  data: NumericArray
  /** Element type in the file; default that of `data`. F16 and BF16 go with Float32Array data. */
  dtype?: SafetensorsType
}

export interface SafetensorsContent {
  tensors: NamedTensor[]
  metadata: Record<string, string>
}

/** Bytes; the reference implementation refuses longer headers as an attack on memory. */
const MAX_HEADER_BYTES = 100_000_000
const LENGTH_BYTES = 8
/** Values start at a multiple of this, so that readers can map the file. */
const ALIGNMENT = 8
const METADATA_KEY = '__metadata__'

/**
 * Writes tensors, in order, and a map of strings.
 * @throws RondoError BAD_ARGUMENT when a name occurs twice or is reserved, or data and shape disagree.
 */
export function encodeSafetensors(
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const parts = safetensorsParts(tensors, metadata)
  const file = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
  let at = 0
  for (const part of parts) {
    file.set(part, at)
    at += part.byteLength
  }
  return file
}

/**
 * The same file in pieces that follow one another: its beginning, then the tensors' own memory wherever it has the
 * file's type. For whoever can store a file without having it in one piece.
 */
export function safetensorsParts(
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer>[] {
  const header = new Map<string, unknown>()
  if (Object.keys(metadata).length > 0) header.set(METADATA_KEY, metadata)
  const parts: Uint8Array<ArrayBuffer>[] = []
  let offset = 0
  for (const { name, shape, data, dtype = typeOfArray(data) } of tensors) {
    const bytes = toBytes(data, dtype) as Uint8Array<ArrayBuffer>
    const count = shape.reduce((product, extent) => product * extent, 1)
    if (name === METADATA_KEY || header.has(name)) throw badTensor(name, 'this name is taken', 'Names must be unique')
    if (bytes.byteLength !== count * bytesPerElement(dtype)) {
      const allowed = `shape [${shape.join(', ')}] of ${dtype} takes ${count} values`
      throw badTensor(name, `it has ${data.length} values in ${data.constructor.name}`, allowed)
    }
    header.set(name, { dtype, shape, data_offsets: [offset, offset + bytes.byteLength] })
    parts.push(bytes)
    offset += bytes.byteLength
  }
  // A map, written by hand: names such as "__proto__" or "1" would be lost or reordered in an object.
  const json = [...header].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')
  const text = new TextEncoder().encode(`{${json}}`)
  const headerBytes = Math.ceil(text.byteLength / ALIGNMENT) * ALIGNMENT
  const start = new Uint8Array(LENGTH_BYTES + headerBytes)
  new DataView(start.buffer).setBigUint64(0, BigInt(headerBytes), true)
  start.fill(0x20, LENGTH_BYTES)
  start.set(text, LENGTH_BYTES)
  return [start, ...parts]
}

/**
 * Reads a whole file; arrays are fresh copies, in the file's order of values.
 * @param source what an error calls the file.
 * @throws RondoError BAD_FILE with byte offset and reason when anything is out of bounds, overlaps or is missing.
 */
export function decodeSafetensors(file: Uint8Array, source = 'safetensors file'): SafetensorsContent {
  const refuse = (offset: number, reason: string): never => {
    throw new RondoError(
      'BAD_FILE',
      `${source} is not a valid safetensors file: at byte ${offset}, ${reason}. ` +
        'Allowed is a header length, a JSON header and values that fill the rest exactly. Save or download the file again.',
      { details: { offset, reason } },
    )
  }
  if (file.byteLength < LENGTH_BYTES)
    refuse(0, `the file ends after ${file.byteLength} bytes, inside the header length`)
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const declared = view.getBigUint64(0, true)
  const room = Math.min(MAX_HEADER_BYTES, file.byteLength - LENGTH_BYTES)
  if (declared > BigInt(room)) refuse(0, `the header claims ${declared} bytes and at most ${room} are possible`)
  const start = LENGTH_BYTES + Number(declared)
  const header = parseHeader(file.subarray(LENGTH_BYTES, start), refuse)
  const metadata = parseMetadata(header.get(METADATA_KEY) ?? {}, refuse)
  header.delete(METADATA_KEY)

  const entries = [...header].map(([name, value]) => parseEntry(name, value, refuse))
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end)
  let covered = 0
  for (const { name, begin, end } of entries) {
    if (begin !== covered) {
      const how = begin < covered ? 'overlaps the tensor before it' : 'leaves a gap after the tensor before it'
      refuse(start + begin, `${JSON.stringify(name)} ${how}`)
    }
    if (start + end > file.byteLength) {
      refuse(
        start + begin,
        `${JSON.stringify(name)} needs ${end - begin} bytes and the file ends at ${file.byteLength}`,
      )
    }
    covered = end
  }
  if (start + covered !== file.byteLength) {
    refuse(start + covered, `${file.byteLength - start - covered} bytes belong to no tensor`)
  }
  const tensors = entries.map(({ name, shape, dtype, begin, end }) => {
    return { name, shape, dtype, data: fromBytes(file.subarray(start + begin, start + end), dtype) }
  })
  return { tensors, metadata }
}

type Refuse = (offset: number, reason: string) => never
interface Entry {
  name: string
  shape: number[]
  dtype: SafetensorsType
  begin: number
  end: number
}

function parseHeader(bytes: Uint8Array, refuse: Refuse): Map<string, unknown> {
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    refuse(LENGTH_BYTES, `the header is no JSON (${error instanceof Error ? error.message : error})`)
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    return refuse(LENGTH_BYTES, 'the header is no JSON object')
  }
  return new Map(Object.entries(header))
}

function parseMetadata(value: unknown, refuse: Refuse): Record<string, string> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  const pairs = isObject ? Object.entries(value) : []
  if (!isObject || pairs.some(([, text]) => typeof text !== 'string')) {
    return refuse(LENGTH_BYTES, `${METADATA_KEY} is no map of strings`)
  }
  return Object.fromEntries(pairs)
}

function parseEntry(name: string, value: unknown, refuse: Refuse): Entry {
  const label = JSON.stringify(name)
  const entry = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  const dtype = SAFETENSORS_TYPES.find((type) => type === entry['dtype'])
  if (dtype === undefined) {
    return refuse(
      LENGTH_BYTES,
      `${label} has dtype ${JSON.stringify(entry['dtype'])}; known are ${SAFETENSORS_TYPES.join(', ')}`,
    )
  }
  const shape = entry['shape']
  if (!isCounts(shape)) return refuse(LENGTH_BYTES, `${label} has the shape ${JSON.stringify(shape)}, no list of sizes`)
  const offsets = entry['data_offsets']
  if (!isCounts(offsets) || offsets.length !== 2) {
    return refuse(LENGTH_BYTES, `${label} has the data_offsets ${JSON.stringify(offsets)}, no [begin, end]`)
  }
  const [begin, end] = offsets as [number, number]
  const bytes = shape.reduce((product, extent) => product * extent, bytesPerElement(dtype))
  if (end - begin !== bytes) {
    return refuse(LENGTH_BYTES, `${label} spans ${end - begin} bytes, its shape and dtype take ${bytes}`)
  }
  return { name, shape, dtype, begin, end }
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((extent) => Number.isSafeInteger(extent) && extent >= 0)
}

function badTensor(name: string, problem: string, allowed: string): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `Tensor ${JSON.stringify(name)} can't be saved: ${problem}. ${allowed}. Correct the tensor or leave it out.`,
  )
}

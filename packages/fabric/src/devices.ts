/**
 * What people write after `devices` and `gpus`, turned into slot indices. Two readings live side by
 * side: `parseDevices` as Lightning 2.x reads it, `parseGpus` as Lightning 1.x did; they differ in what a
 * string without a comma means. Pure: the number of slots that are there is an argument.
 */
import { RondoError } from '@rondo/protocol'

const DEVICES_ALLOWED = 'a count like 2, a list of slot numbers like "0,2", -1 for all, or "auto"'
const GPUS_ALLOWED = 'a count like 2, a string of slot numbers like "0,2", -1 for all, or null for none'

interface Reading {
  /** The option as the person knows it, e.g. `devices`. */
  option: string
  value: unknown
  allowed: string
  available: number
}

/** Options of both readings. */
export interface ParseOptions {
  /** What the messages call the option; a command line passes `--devices`. */
  option?: string
}

/**
 * Lightning 2.x reading, for `Fabric`, `Trainer` and `--devices`.
 * @param value count, -1, list of indices, `"auto"`, or a string of one of them; a string without a comma is a count
 * @param available number of slots in the node's directory; indices are 0..available-1
 * @returns the chosen slot indices, in the order given
 * @throws BAD_DEVICES naming the value, what is allowed and what to do
 */
export function parseDevices(value: unknown, available: number, options: ParseOptions = {}): number[] {
  const reading: Reading = { option: options.option ?? 'devices', value, allowed: DEVICES_ALLOWED, available }
  if (value === 'auto') return firstSlots(available)
  const isZero = value === 0 || (typeof value === 'string' && value.trim() === '0')
  if (isZero || (Array.isArray(value) && value.length === 0)) throw refuse(reading, 'at least one device is needed')
  let parsed: number | number[]
  if (typeof value === 'string') {
    const text = value.trim()
    parsed = text.includes(',') ? pieces(reading, text) : integerOf(reading, text)
  } else {
    parsed = numberOrList(reading, value)
  }
  const indices = select(reading, parsed)
  const repeated = [...new Set(indices.filter((index, at) => indices.indexOf(index) !== at))]
  if (repeated.length > 0) throw refuse(reading, `slot ${repeated.join(', ')} is named more than once`)
  return indices
}

/**
 * Lightning 1.x reading, for `Trainer({ gpus })`: any string but "-1" lists indices, null and 0 mean CPU.
 * @returns the chosen slot indices (repeated ones are kept, as upstream does), or null for CPU
 * @throws BAD_DEVICES naming the value, what is allowed and what to do
 */
export function parseGpus(value: unknown, available: number, options: ParseOptions = {}): number[] | null {
  const reading: Reading = { option: options.option ?? 'gpus', value, allowed: GPUS_ALLOWED, available }
  if (value === null || value === 0) return null
  if (typeof value !== 'string') return select(reading, numberOrList(reading, value))
  return select(reading, value === '-1' ? -1 : pieces(reading, value))
}

/**
 * How many ranks run on the CPU or WASM backends, where devices are only counted.
 * @param value an integer above 0, or its digits
 * @throws BAD_DEVICES
 */
export function parseCpuDevices(value: unknown, options: ParseOptions = {}): number {
  const count = typeof value === 'string' && /^\s*\d+\s*$/.test(value) ? Number(value) : value
  if (typeof count === 'number' && Number.isSafeInteger(count) && count > 0) return count
  const option = options.option ?? 'devices'
  throw new RondoError(
    'BAD_DEVICES',
    `${option} is ${show(value)}, but the cpu and wasm accelerators take a whole number above 0. Use ${option}=1 for one rank.`,
  )
}

function numberOrList(reading: Reading, value: unknown): number | number[] {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  if (Array.isArray(value)) {
    const odd = value.findIndex((item) => !(typeof item === 'number' && Number.isSafeInteger(item)))
    if (odd === -1) return value as number[]
    throw refuse(reading, `its item ${odd + 1}, ${show(value[odd])}, is not a whole number`)
  }
  throw refuse(reading, 'that is neither a whole number, a list nor a string')
}

function pieces(reading: Reading, text: string): number[] {
  return text
    .split(',')
    .map((piece) => piece.trim())
    .filter((piece) => piece !== '')
    .map((piece) => integerOf(reading, piece))
}

function integerOf(reading: Reading, piece: string): number {
  if (/^[+-]?\d+$/.test(piece)) return Number(piece)
  throw refuse(reading, `"${piece}" is not a number`)
}

/** A count becomes the first slots, a list stays; both must name at least one slot that exists. */
function select(reading: Reading, parsed: number | number[]): number[] {
  const { available } = reading
  if (typeof parsed === 'number' && parsed > available) throw unknownSlots(reading, `0 to ${parsed - 1}`)
  const indices = Array.isArray(parsed) ? parsed : firstSlots(parsed === -1 ? available : parsed)
  if (indices.length === 0) throw refuse(reading, 'that requests no device at all')
  const unknown = indices.filter((index) => index < 0 || index >= available)
  if (unknown.length > 0) throw unknownSlots(reading, indices.join(', '))
  return indices
}

function firstSlots(count: number): number[] {
  return Array.from({ length: Math.max(0, count) }, (_, index) => index)
}

function unknownSlots(reading: Reading, wanted: string): RondoError {
  const { available } = reading
  const there =
    available === 0 ? 'there is none' : available === 1 ? 'there is only 0' : `there are 0 to ${available - 1}`
  return refuse(reading, `it asks for slot ${wanted}, but ${there}`)
}

function refuse(reading: Reading, why: string): RondoError {
  const { option, value, allowed, available } = reading
  return new RondoError(
    'BAD_DEVICES',
    `${option} is ${show(value)}: ${why}. Allowed is ${allowed}; change ${option} to one of these.`,
    { details: { available } },
  )
}

function show(value: unknown): string {
  if (value === undefined) return 'undefined'
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return String(value)
  }
}

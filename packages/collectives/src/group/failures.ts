/**
 * The sentences of a process group's failures, and the two that travel: a mismatch and an abort. What comes
 * from a peer is checked before it is believed. Not for: deciding that something failed.
 */
import { ERROR_CODES, fromWireError, RondoError, toWireError } from '@rondo/protocol'
import * as v from 'valibot'
import type { FlightRecord, OperationDescription } from '../flight-recorder.ts'
import type { Peer } from './peer.ts'

/** Bit of `sequence` that marks send and recv, which are numbered per pair. */
export const PAIR_BIT = 0x8000_0000

/** Characters of an operation's name and of an error's message that travel. */
const MAX_NAME = 100
const MAX_MESSAGE = 4_000
/** Bytes of an error's JSON besides its message, at most. */
const ENVELOPE_BYTES = 120

const Text = v.pipe(v.string(), v.maxLength(8192))
const DescriptionSchema = v.object({
  op: v.pipe(v.string(), v.maxLength(200)),
  name: v.pipe(v.string(), v.maxLength(1000)),
  dtype: v.pipe(v.string(), v.maxLength(40)),
  count: v.pipe(v.number(), v.integer(), v.minValue(0)),
})
const ErrorSchema = v.object({
  code: v.picklist(ERROR_CODES),
  name: Text,
  message: Text,
  rank: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  node: v.optional(Text),
  details: v.optional(v.record(v.string(), v.unknown())),
})

/** `allReduce(sum) "bucket 3", float32 × 1000`. */
function describe({ op, name, dtype, count }: OperationDescription): string {
  return `${op}${name === '' ? '' : ` "${name}"`}, ${dtype} × ${count}`
}

/** The same with the operation's number. */
export function describeNumbered(what: OperationDescription, sequence: number): string {
  return `${describe(what)} (#${(sequence & ~PAIR_BIT) >>> 0})`
}

export function encodeDescription({ op, name, dtype, count }: OperationDescription): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ op, name: cut(name, MAX_NAME), dtype, count }))
}

/** Undefined when the bytes are no description. */
export function decodeDescription(bytes: Uint8Array): OperationDescription | undefined {
  return parse(DescriptionSchema, bytes)
}

/** At most `maxBytes`: an error that does not fit loses its details first, then the end of its message. */
export function encodeError(error: RondoError, maxBytes: number): Uint8Array {
  // The stack is this rank's own business and would not fit small frames.
  const { stack: _stack, details, ...wire } = toWireError(error)
  const short = { ...wire, name: cut(wire.name, MAX_NAME), message: cut(wire.message, MAX_MESSAGE) }
  for (const candidate of [{ ...short, details }, short]) {
    const bytes = toJson(candidate)
    if (bytes !== undefined && bytes.byteLength <= maxBytes) return bytes
  }
  // JSON escapes a character in at most 6 bytes.
  const room = Math.max(0, Math.floor((maxBytes - ENVELOPE_BYTES) / 6))
  return toJson({ code: short.code, name: 'RondoError', message: cut(short.message, room), rank: short.rank })!
}

function toJson(value: unknown): Uint8Array | undefined {
  try {
    return new TextEncoder().encode(JSON.stringify(value))
  } catch {
    // Details of somebody else's error may hold cycles or bigints.
    return undefined
  }
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : text.slice(0, length)
}

/** Undefined when the bytes are no error. */
export function decodeError(bytes: Uint8Array): RondoError | undefined {
  const wire = parse(ErrorSchema, bytes)
  return wire === undefined ? undefined : fromWireError(wire)
}

function parse<T>(schema: v.GenericSchema<unknown, T>, bytes: Uint8Array): T | undefined {
  try {
    const result = v.safeParse(schema, JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
    return result.success ? result.output : undefined
  } catch {
    return undefined
  }
}

export function rankLost(peer: Peer, reason: string, last: FlightRecord | undefined, now: number): RondoError {
  const heard = peer.lastHeard === null ? 'it was never heard' : `last heard ${seconds(now - peer.lastHeard)} ago`
  const known = last === undefined ? 'none' : describeNumbered(last, last.sequence)
  return new RondoError(
    'RANK_LOST',
    `Rank ${peer.rank} (node "${peer.label}") is gone: ${reason}. Its last known operation: ${known}; ${heard}. ` +
      `A collective needs all ranks. Look at that rank's page or terminal for the cause, then start the run again.`,
    {
      rank: peer.rank,
      node: peer.label,
      details: { reason, lastOperation: known, sequence: last?.sequence ?? null },
    },
  )
}

export function badFrame(peer: Peer, why: string): RondoError {
  return new RondoError(
    'BAD_MESSAGE',
    `Rank ${peer.rank} (node "${peer.label}") sent a frame that can't be right: ${why}. Its link was closed. ` +
      `All ranks must run the same version of Rondo; reload that rank's page and start the run again.`,
    { rank: peer.rank, node: peer.label, details: { reason: why } },
  )
}

/** Both ranks' operations side by side, the lower rank first, so that every rank reads the same sentence. */
export function mismatch(
  sequence: number,
  ours: { rank: number; label: string; what: OperationDescription | undefined },
  theirs: { rank: number; label: string; what: OperationDescription | undefined },
): RondoError {
  const [a, b] = ours.rank < theirs.rank ? [ours, theirs] : [theirs, ours]
  const line = (side: typeof ours): string =>
    `rank ${side.rank} (node "${side.label}") called ${side.what === undefined ? 'something no longer on record' : describe(side.what)}`
  return new RondoError(
    'COLLECTIVE_MISMATCH',
    `Operation #${(sequence & ~PAIR_BIT) >>> 0} differs between ranks: ${line(a)}; ${line(b)}. ` +
      `Every rank must call the same operations in the same order, with equal name, dtype and count. ` +
      `Look for a branch on the rank or on data that only some ranks see.`,
    {
      details: {
        sequence: (sequence & ~PAIR_BIT) >>> 0,
        operations: [
          { rank: a.rank, ...(a.what ?? {}) },
          { rank: b.rank, ...(b.what ?? {}) },
        ],
      },
    },
  )
}

export function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

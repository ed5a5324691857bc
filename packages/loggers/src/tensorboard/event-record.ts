/**
 * One record of a TensorBoard event file: a protobuf `Event` framed with its length and two checksums (TFRecord).
 * Only what scalars and hyper-parameters need. Not for: files (tensorboard-logger.ts).
 */
import { maskedCrc32c } from './crc32c.ts'

/** What the first record of every event file says. */
export const FILE_VERSION = 'brain.Event:2'

/** Fields of `Event`, `Summary` and `Summary.Value` in tensorflow/core/framework. */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 }
const SUMMARY = { value: 1 }
const VALUE = { tag: 1, simpleValue: 2, metadata: 9 }
const METADATA = { pluginData: 1 }
const PLUGIN_DATA = { pluginName: 1, content: 2 }
/** `HParamsPluginData`, `SessionStartInfo` and `SessionEndInfo` in tensorboard/plugins/hparams, and map entries. */
const HPARAMS = { sessionStart: 3, sessionEnd: 4 }
const SESSION_START = { hparams: 1, startTime: 5 }
const SESSION_END = { status: 1, endTime: 2 }
const ENTRY = { key: 1, value: 2 }
/** `google.protobuf.Value`. */
const PROTO_VALUE = { number: 2, text: 3, flag: 4 }
/** `Status` of a session that ended. */
const STATUS = { success: 1, failure: 2 }
/** Wire types of protobuf. */
const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

const LENGTH_BYTES = 8
const CRC_BYTES = 4

/** The record that opens a file. `wallTime` in seconds since 1970. */
export function versionRecord(wallTime: number): Uint8Array<ArrayBuffer> {
  const version = new TextEncoder().encode(FILE_VERSION)
  return frame(concat(double(EVENT.wallTime, wallTime), bytes(EVENT.fileVersion, version)))
}

/** Scalars of one step. `wallTime` in seconds since 1970; values are stored as float32. */
export function scalarsRecord(
  wallTime: number,
  step: number,
  values: ReadonlyArray<readonly [tag: string, value: number]>,
): Uint8Array<ArrayBuffer> {
  const summary = values.map(([tag, value]) => {
    const name = new TextEncoder().encode(tag)
    return bytes(SUMMARY.value, concat(bytes(VALUE.tag, name), float(VALUE.simpleValue, value)))
  })
  return frame(
    concat(
      double(EVENT.wallTime, wallTime),
      concat(varint((EVENT.step << 3) | VARINT), varint(step)),
      bytes(EVENT.summary, concat(...summary)),
    ),
  )
}

/** Settings of a run, for TensorBoard's HPARAMS page. Times in seconds since 1970. */
export function sessionStartRecord(
  wallTime: number,
  params: ReadonlyArray<readonly [name: string, value: number | string | boolean]>,
): Uint8Array<ArrayBuffer> {
  const entries = params.map(([name, value]) =>
    bytes(SESSION_START.hparams, concat(text(ENTRY.key, name), bytes(ENTRY.value, protoValue(value)))),
  )
  const content = bytes(HPARAMS.sessionStart, concat(...entries, double(SESSION_START.startTime, wallTime)))
  return hparamsRecord(wallTime, '_hparams_/session_start_info', content)
}

/** How it ended, for the same page. */
export function sessionEndRecord(wallTime: number, succeeded: boolean): Uint8Array<ArrayBuffer> {
  const status = flagged(SESSION_END.status, succeeded ? STATUS.success : STATUS.failure)
  const content = bytes(HPARAMS.sessionEnd, concat(status, double(SESSION_END.endTime, wallTime)))
  return hparamsRecord(wallTime, '_hparams_/session_end_info', content)
}

function hparamsRecord(wallTime: number, tag: string, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const plugin = concat(text(PLUGIN_DATA.pluginName, 'hparams'), bytes(PLUGIN_DATA.content, content))
  const metadata = bytes(VALUE.metadata, bytes(METADATA.pluginData, plugin))
  const summary = bytes(SUMMARY.value, concat(text(VALUE.tag, tag), metadata))
  return frame(concat(double(EVENT.wallTime, wallTime), bytes(EVENT.summary, summary)))
}

function protoValue(value: number | string | boolean): Uint8Array {
  if (typeof value === 'number') return double(PROTO_VALUE.number, value)
  return typeof value === 'string' ? text(PROTO_VALUE.text, value) : flagged(PROTO_VALUE.flag, value ? 1 : 0)
}

function text(field: number, content: string): Uint8Array {
  return bytes(field, new TextEncoder().encode(content))
}

function flagged(field: number, value: number): Uint8Array {
  return concat(varint((field << 3) | VARINT), varint(value))
}

/** Length, its checksum, data, their checksum; all little-endian. */
function frame(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const record = new Uint8Array(LENGTH_BYTES + CRC_BYTES + data.byteLength + CRC_BYTES)
  const view = new DataView(record.buffer)
  view.setBigUint64(0, BigInt(data.byteLength), true)
  view.setUint32(LENGTH_BYTES, maskedCrc32c(record.subarray(0, LENGTH_BYTES)), true)
  record.set(data, LENGTH_BYTES + CRC_BYTES)
  view.setUint32(record.byteLength - CRC_BYTES, maskedCrc32c(data), true)
  return record
}

function double(field: number, value: number): Uint8Array {
  const out = new Uint8Array(9)
  out[0] = (field << 3) | FIXED64
  new DataView(out.buffer).setFloat64(1, value, true)
  return out
}

function float(field: number, value: number): Uint8Array {
  const out = new Uint8Array(5)
  out[0] = (field << 3) | FIXED32
  new DataView(out.buffer).setFloat32(1, value, true)
  return out
}

function bytes(field: number, content: Uint8Array): Uint8Array {
  return concat(varint((field << 3) | BYTES), varint(content.byteLength), content)
}

/** A whole number from 0 to 2⁵³, seven bits a byte, lowest first. */
function varint(value: number): Uint8Array {
  const out: number[] = []
  let rest = value
  while (rest >= 0x80) {
    out.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  out.push(rest)
  return Uint8Array.from(out)
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.byteLength
  }
  return out
}

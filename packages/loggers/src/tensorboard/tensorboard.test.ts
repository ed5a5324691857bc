/** Event files read back by a parser that shares no code with the writer, checksums, and loss of nothing. */
import { describe, expect, it } from 'vitest'
import type { FileSink } from '../logger.ts'
import { Disk, hostOn } from '../testing/disk.ts'
import { crc32c, maskedCrc32c } from './crc32c.ts'
import { TensorBoardLogger } from './tensorboard-logger.ts'

const ascii = (text: string) => new TextEncoder().encode(text)

it('CRC-32C gives the check value and those of RFC 3720', () => {
  expect(crc32c(ascii('123456789'))).toBe(0xe3069283)
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
  expect(crc32c(new Uint8Array(0))).toBe(0)
})

const FILE = /^out\/lightning_logs\/version_2\/events\.out\.tfevents\.\d{10}\.lab_pc$/
/** The event file, wherever it is. */
const eventsOf = (disk: Disk): Uint8Array =>
  [...disk.bytes].find(([path]) => path.includes('tfevents'))?.[1] ?? new Uint8Array(0)

interface Field {
  number: number
  value: number | Uint8Array
}

/** Any protobuf message: varints, doubles, floats and bytes by field number. */
function fieldsOf(bytes: Uint8Array): Field[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const fields: Field[] = []
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++] as number
      value += (byte & 127) * shift
      if (byte < 128) return value
    }
  }
  while (at < bytes.byteLength) {
    const key = varint()
    const [number, wire] = [key >> 3, key & 7]
    if (wire === 0) fields.push({ number, value: varint() })
    else if (wire === 1) {
      fields.push({ number, value: view.getFloat64(at, true) })
      at += 8
    } else if (wire === 5) {
      fields.push({ number, value: view.getFloat32(at, true) })
      at += 4
    } else {
      const length = varint()
      fields.push({ number, value: bytes.subarray(at, at + length) })
      at += length
    }
  }
  return fields
}

/** Records of a file; throws where length or a checksum is wrong. */
function recordsOf(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer)
  const records: Uint8Array[] = []
  for (let at = 0; at < bytes.byteLength; ) {
    const length = Number(view.getBigUint64(at, true))
    const data = bytes.subarray(at + 12, at + 12 + length)
    expect(view.getUint32(at + 8, true)).toBe(maskedCrc32c(bytes.subarray(at, at + 8)))
    expect(view.getUint32(at + 12 + length, true)).toBe(maskedCrc32c(data))
    records.push(data)
    at += 16 + length
  }
  return records
}

function scalarsOf(bytes: Uint8Array): Array<{ step: number; values: Record<string, number> }> {
  return recordsOf(bytes)
    .slice(1)
    .filter((record) => !new TextDecoder().decode(record).includes('_hparams_'))
    .map((record) => {
      const fields = fieldsOf(record)
      const get = (number: number) => fields.find((field) => field.number === number)?.value
      const values = fieldsOf(get(5) as Uint8Array).map(({ value }) => {
        const [tag, scalar] = fieldsOf(value as Uint8Array)
        return [new TextDecoder().decode(tag?.value as Uint8Array), scalar?.value as number] as const
      })
      expect(Math.abs((get(1) as number) - Date.now() / 1000)).toBeLessThan(60)
      return { step: get(2) as number, values: Object.fromEntries(values) }
    })
}

const make = (sink: FileSink, more = {}) =>
  new TensorBoardLogger({ rootDir: 'out', version: 2, host: 'lab pc', sink, ...more })

describe('TensorBoardLogger', () => {
  it('opens with the version, then has the scalars of every step', async () => {
    const disk = new Disk()
    const logger = make(disk)
    logger.logMetrics({ loss: 0.5, 'val/größe': -3 }, 0)
    logger.logMetrics({ loss: Number.NaN }, 300)
    logger.logMetrics({}, 301)
    logger.logMetrics({ loss: 1e-3 }, 5_000_000_000)
    await logger.finalize('success')
    expect([...disk.bytes.keys()]).toEqual([expect.stringMatching(FILE)])
    const [first] = recordsOf(eventsOf(disk))
    const version = fieldsOf(first as Uint8Array).find(({ number }) => number === 3)
    expect(new TextDecoder().decode(version?.value as Uint8Array)).toBe('brain.Event:2')
    expect(scalarsOf(eventsOf(disk))).toEqual([
      { step: 0, values: { loss: 0.5, 'val/größe': -3 } },
      { step: 300, values: { loss: Number.NaN } },
      { step: 5_000_000_000, values: { loss: Math.fround(1e-3) } },
    ])
  })

  it('has every row on disk without save: a crash loses none', async () => {
    const disk = new Disk()
    const logger = make(disk)
    for (let step = 0; step < 5; step++) {
      logger.logMetrics({ loss: step }, step)
      await new Promise(setImmediate)
      expect(scalarsOf(eventsOf(disk))).toHaveLength(step + 1)
    }
  })

  it('keeps rows through a failing disk, reports it at save, and writes all where it cannot append', async () => {
    const disk = new Disk()
    const logger = make({ write: (path: string, content: string | Uint8Array) => disk.write(path, content) })
    disk.full = true
    logger.logMetrics({ loss: 1 }, 0)
    await expect(logger.save()).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.stringMatching(/disk full/),
    })
    disk.full = false
    logger.logMetrics({ loss: 2 }, 1)
    await logger.finalize('failed')
    expect(scalarsOf(eventsOf(disk)).map(({ values }) => values['loss'])).toEqual([1, 2])
  })

  it('keeps settings that are numbers, and refuses what is none', async () => {
    const disk = new Disk()
    const logger = make(disk, { prefix: 'a', name: '' })
    logger.logHyperparams({ lr: 0.5, optimizer: 'adam', layers: [2, 3], bias: true })
    expect(() => logger.logMetrics({ loss: 'low' as never }, 0)).toThrow(/loss is low/)
    expect(() => logger.logMetrics({ loss: 1 }, 0.5)).toThrow(/step is 0.5/)
    await logger.finalize('aborted')
    logger.logMetrics({ loss: 1 }, 1)
    await logger.save()
    expect(scalarsOf(eventsOf(disk))).toEqual([
      { step: 0, values: { 'a-hparams/lr': 0.5 } },
      { step: 0, values: { 'a-hp_metric': -1 } },
      { step: 1, values: { 'a-loss': 1 } },
    ])
    const text = new TextDecoder().decode(eventsOf(disk))
    for (const part of ['_hparams_/session_start_info', 'adam', '[2,3]', '_hparams_/session_end_info']) {
      expect(text).toContain(part)
    }
    expect(JSON.parse(disk.text('out/version_2/hparams.yaml') as string)).toMatchObject({ optimizer: 'adam' })
  })

  it('writes no hp_metric without defaultHpMetric', async () => {
    const disk = new Disk()
    const logger = make(disk, { defaultHpMetric: false })
    logger.logHyperparams({ optimizer: 'adam' })
    await logger.finalize('success')
    expect(scalarsOf(eventsOf(disk))).toEqual([])
  })

  it('lies in the run by default, its events in subDir, and refuses to leave it', async () => {
    const disk = new Disk()
    const logger = new TensorBoardLogger({ subDir: 'train' })
    logger.attach(hostOn(disk))
    logger.logMetrics({ loss: 1 }, 0)
    await logger.save()
    expect([...disk.bytes.keys()]).toEqual([
      expect.stringMatching(/^lightning_logs\/version_0\/train\/events\.out\.tfevents\.\d{10}\.lab_pc$/),
    ])
    expect(() => new TensorBoardLogger({ rootDir: '/tmp' })).toThrow(/TensorBoardLogger: rootDir/)
    expect(() => new TensorBoardLogger({ subDir: '../x' })).toThrow(/subDir is "\.\.\/x"/)
  })
})

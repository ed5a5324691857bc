/**
 * Reads the binary version of CIFAR-10 and CIFAR-100 (A. Krizhevsky, 2009): records of label bytes, then 32×32
 * red, green and blue planes. Gives images channel-last, as the models here expect. Not for the Python version.
 */

import type { Column } from '../sets/column.ts'
import { badFile } from './bad-file.ts'

const SIDE = 32
const PIXELS = SIDE * SIDE
const CHANNELS = 3
const HINT = 'Use the binary version of the data set, unpacked, and get the file again.'

interface LabelByte {
  readonly name: string
  readonly classes: number
}

/** Images uint8 `[n, 32, 32, 3]` and labels int32 `[n]`. */
export interface Cifar10 {
  images: Column<'uint8'>
  labels: Column<'int32'>
}

/** Like `Cifar10`, with the 100 fine labels and their 20 coarse groups. */
export interface Cifar100 extends Cifar10 {
  coarseLabels: Column<'int32'>
}

/**
 * Decodes one or more CIFAR-10 files (`data_batch_1.bin` …) into one set, in the given order.
 * Errors: BAD_FILE with file number, byte offset and reason.
 */
export function decodeCifar10(...files: Uint8Array[]): Cifar10 {
  const { images, labels } = decode('CIFAR-10', files, [{ name: 'label', classes: 10 }])
  return { images, labels: labels[0] as Column<'int32'> }
}

/** Decodes CIFAR-100 files (`train.bin`, `test.bin`) into one set. Errors: as `decodeCifar10`. */
export function decodeCifar100(...files: Uint8Array[]): Cifar100 {
  const layout = [
    { name: 'coarse label', classes: 20 },
    { name: 'fine label', classes: 100 },
  ]
  const { images, labels } = decode('CIFAR-100', files, layout)
  return { images, labels: labels[1] as Column<'int32'>, coarseLabels: labels[0] as Column<'int32'> }
}

function decode(format: string, files: readonly Uint8Array[], layout: readonly LabelByte[]) {
  const record = layout.length + PIXELS * CHANNELS
  files.forEach((bytes, f) => {
    if (bytes.length > 0 && bytes.length % record === 0) return
    const whole = Math.floor(bytes.length / record)
    const reason = `${bytes.length} bytes are ${whole} records of ${record} bytes and ${bytes.length % record} more`
    badFile(`${format} file ${f}`, whole * record, reason, HINT)
  })
  const n = files.reduce((sum, bytes) => sum + bytes.length / record, 0)
  const pixels = new Uint8Array(n * PIXELS * CHANNELS)
  const labels = layout.map((): Column<'int32'> => ({ dtype: 'int32', shape: [n], data: new Int32Array(n) }))
  let row = 0
  files.forEach((bytes, f) => {
    for (let at = 0; at < bytes.length; at += record, row++) {
      layout.forEach(({ name, classes }, l) => {
        const value = bytes[at + l] as number
        if (value >= classes) {
          badFile(`${format} file ${f}`, at + l, `${name} ${value}, allowed are 0..${classes - 1}`, HINT)
        }
        ;(labels[l] as Column<'int32'>).data[row] = value
      })
      interleave(bytes, at + layout.length, pixels, row * PIXELS * CHANNELS)
    }
  })
  const images: Column<'uint8'> = { dtype: 'uint8', shape: [n, SIDE, SIDE, CHANNELS], data: pixels }
  return { images, labels }
}

/** Three planes after each other → one triple per pixel. */
function interleave(source: Uint8Array, from: number, target: Uint8Array, to: number): void {
  for (let pixel = 0; pixel < PIXELS; pixel++) {
    for (let c = 0; c < CHANNELS; c++) {
      target[to + pixel * CHANNELS + c] = source[from + c * PIXELS + pixel] as number
    }
  }
}

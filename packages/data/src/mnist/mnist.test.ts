import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DataLoader } from '../loader/loader.ts'
import { shardLoader } from '../loader/shard-loader.ts'
import { mnistFiles } from '../node/mnist-files.ts'
import { readBatch } from '../sets/dataset.ts'
import { type MnistSplit, mnist } from './mnist.ts'

let server: Server
let baseUrl: string
/** Files served instead of the real ones, by name. */
const instead = new Map<string, Uint8Array>()

beforeAll(async () => {
  const files = new Map(mnistFiles().map(({ name, path }) => [name, path]))
  server = createServer(async (request, response) => {
    const name = request.url?.split('/').at(-1) ?? ''
    const path = files.get(name)
    if (!path) return response.writeHead(404).end()
    return response.end(instead.get(name) ?? (await readFile(path)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/data/mnist/`
})
afterAll(() => new Promise((resolve) => server.close(resolve)))

describe('the real MNIST', () => {
  it.each([
    // How often each digit occurs, as published with the data set.
    ['train', 60_000, [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949], [5, 0, 4, 1, 9]],
    ['test', 10_000, [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009], [7, 2, 1, 0, 4]],
  ] as const)('%s: %i samples', async (split, length, counts, first) => {
    const data = await mnist({ split, baseUrl })
    expect(data.length).toBe(length)
    const found = new Array<number>(10).fill(0)
    let [least, most, seen] = [1, 0, [] as number[]]
    for await (const [images, labels] of new DataLoader(data, { batchSize: 500 })) {
      expect([images.dtype, images.shape, labels.dtype, labels.shape]).toEqual([
        'float32',
        [500, 28, 28, 1],
        'int32',
        [500],
      ])
      if (seen.length === 0) seen = [...labels.data.subarray(0, 5)]
      for (const label of labels.data) found[label] = (found[label] as number) + 1
      for (const value of images.data) [least, most] = [Math.min(least, value), Math.max(most, value)]
    }
    expect([found, seen, least, most]).toEqual([counts, first, 0, 1])
  })

  it('a sample is the same alone, in a batch and in a rank’s share', async () => {
    const data = await mnist({ split: 'test', baseUrl })
    const [image, label] = await data.get(5)
    expect([image.shape, label.shape]).toEqual([[28, 28, 1], []])
    const [images] = await readBatch(data, [9, 5])
    expect(images.data.subarray(784)).toEqual(image.data)
    const share = shardLoader(new DataLoader(data, { batchSize: 2 }), { worldSize: 4, rank: 1 })
    const { value } = await share[Symbol.asyncIterator]().next()
    expect(value?.[0].data.subarray(784)).toEqual(image.data)
  })
})

describe('bad input', () => {
  const real = async (name: string) =>
    new Uint8Array(await readFile(mnistFiles().find((file) => file.name === name)?.path as string))
  const test = (split = 'test') => mnist({ split: split as MnistSplit, baseUrl })

  it.each([
    [
      'cut images',
      't10k-images-idx3-ubyte',
      (b: Uint8Array) => b.subarray(0, 1000),
      /t10k-images-idx3-ubyte: at byte 1000/,
    ],
    [
      'labels in the images’ place',
      't10k-images-idx3-ubyte',
      () => real('t10k-labels-idx1-ubyte'),
      /expected are images/,
    ],
    [
      'another split’s labels',
      't10k-labels-idx1-ubyte',
      () => real('train-labels-idx1-ubyte'),
      /60000 labels for the 10000/,
    ],
    [
      'a label that is no digit',
      't10k-labels-idx1-ubyte',
      (b: Uint8Array) => b.with(8 + 3, 10),
      /at byte 11: label 10/,
    ],
  ])('%s', async (_, name, spoil, message) => {
    instead.set(name, await spoil(await real(name)))
    await expect(test()).rejects.toMatchObject({ code: 'BAD_FILE', message: expect.stringMatching(message) })
    instead.clear()
  })

  it('an unknown split lists the known', async () => {
    await expect(test('validation')).rejects.toThrow(/validation; allowed are train and test/)
  })
})

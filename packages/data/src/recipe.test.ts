/** What can be made again elsewhere gives the same batches in the same order, also in the middle of training. */
import { expect, it } from 'vitest'
import { DataLoader } from './loader/loader.ts'
import { RandomSampler } from './order/sampler.ts'
import { recipeOf } from './recipe.ts'
import { recreate } from './recreate.ts'
import { column } from './sets/column.ts'
import { InMemoryDataset } from './sets/in-memory.ts'
import { map, subset } from './sets/views.ts'

const numbers = () => new InMemoryDataset([column(Float32Array.from({ length: 10 }, (_, i) => i))])

/** As a codec does: parts first. */
async function copy<T extends object>(value: T): Promise<T> {
  const recipe = recipeOf(value)
  if (recipe === null) return value
  const parts: Record<string, unknown> = {}
  for (const [name, part] of Object.entries(recipe.parts)) {
    parts[name] = typeof part === 'object' && part !== null ? await copy(part) : part
  }
  return (await recreate({ kind: recipe.kind, parts } as typeof recipe)) as T
}

async function epoch(loader: DataLoader): Promise<number[][]> {
  const batches: number[][] = []
  for await (const [x] of loader) batches.push([...(x?.data ?? [])])
  return batches
}

it('makes loaders again, with data set, order and epoch', async () => {
  const doubled = map(
    numbers(),
    ([x]) => [
      column(
        x.data.map((value) => 2 * value),
        x.shape,
      ),
    ],
    { batched: true },
  )
  const sampler = new RandomSampler(4, { seed: 7 })
  const loader = new DataLoader(subset(doubled, [9, 1, 3, 5]), { batchSize: 3, sampler, dropLast: true })
  const first = await epoch(loader)
  const again = await copy(loader)
  expect(again).not.toBe(loader)
  const second = await epoch(loader)
  expect(second).not.toEqual(first)
  expect(await epoch(again)).toEqual(second)
  expect(second.map((batch) => batch.length)).toEqual([3])
})

it('refers to MNIST by its source', async () => {
  const fetch = async (url: string | URL | Request) => {
    const images = String(url).includes('images')
    const header = images ? [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28] : [0, 0, 8, 1, 0, 0, 0, 1]
    return new Response(Uint8Array.from([...header, ...new Array(images ? 784 : 1).fill(1)]))
  }
  const { mnist } = await import('./mnist/mnist.ts')
  const data = await mnist({ split: 'test', baseUrl: 'http://localhost/files/', fetch })
  expect(recipeOf(data)).toEqual({ kind: 'mnist', parts: { split: 'test', baseUrl: 'http://localhost/files/' } })
})

it('knows nothing of what others made', () => {
  expect(recipeOf({ length: 1, get: () => [] })).toBeNull()
})

/** Sharded folders: written by 2 and 4 ranks, read at other world sizes, whole or refused. */
import { decodeSafetensors } from '@rondo/engine'
import { describe, expect, it } from 'vitest'
import { folder, trained } from '../testing/checkpoints.ts'
import { runRanks } from '../testing/ranks.ts'
import { parseMeta, sliceOf } from './sharded-format.ts'

type Folder = ReturnType<typeof folder>

/** Saves with `worldSize` ranks; returns the weights that were saved. */
async function saved(worldSize: number, files: Folder, seed = 1): Promise<number[]> {
  const [weights] = await runRanks(
    worldSize,
    async (rank) => {
      const { fabric, model, optimizer, weights } = await trained(rank, seed)
      await fabric.save('big', { model, optimizer, epoch: 2 }, { sharded: true })
      return weights()
    },
    { files: () => files.io },
  )
  return weights as number[]
}

const names = ({ files }: Folder): string[] =>
  [...files.keys()].map((name) => name.replace(/-[0-9a-f]{8}\./, '-ID.')).sort()

it.each([
  [2, 1],
  [4, 2],
  [1, 2],
  [2, 4],
])('saved by %d ranks, loaded by %d', async (writers, readers) => {
  const files = folder()
  const weights = await saved(writers, files)
  const shards = Array.from({ length: writers }, (_, rank) => `big/shard-${rank}-ID.safetensors`)
  expect(names(files)).toEqual(['big/meta.json', ...shards])
  await runRanks(
    readers,
    async (rank) => {
      const again = await trained(rank, 2, 0)
      const state = { model: again.model, optimizer: again.optimizer, epoch: 0 }
      await again.fabric.load('big', state)
      expect([again.weights(), state.epoch]).toEqual([weights, 2])
      const { tensors } = await again.optimizer.optimizer.state()
      expect(tensors.find(({ name }) => name === 'layers[0].kernel.step')?.data[0]).toBe(2)
    },
    { files: () => files.io },
  )
})

it('each rank writes its own slice of every tensor, and nothing else', async () => {
  const files = folder()
  await saved(4, files)
  const size = (shard: number): number => {
    const [, bytes] = [...files.files].find(([name]) => name.includes(`shard-${shard}-`)) ?? []
    const { tensors } = decodeSafetensors(bytes as Uint8Array)
    return tensors.find(({ name }) => name === 'model.layers[0].kernel')?.data.length ?? 0
  }
  expect([0, 1, 2, 3].map(size)).toEqual([1, 2, 1, 2])
  expect([0, 1, 2, 3].map((rank) => sliceOf(10, rank, 4))).toEqual([
    [0, 2],
    [2, 5],
    [5, 7],
    [7, 10],
  ])
})

describe('a folder that is not whole', () => {
  const damaged = async (change: (files: Folder, shard: string) => void): Promise<unknown> => {
    const files = folder()
    await saved(2, files)
    change(files, [...files.files.keys()].find((name) => name.includes('shard-1-')) as string)
    const [error] = await runRanks(
      1,
      async (rank) => {
        const again = await trained(rank, 2, 0)
        const before = again.weights()
        const failure = await again.fabric.load('big', { model: again.model }).then(
          () => null,
          (thrown: unknown) => thrown,
        )
        expect(again.weights()).toEqual(before)
        return failure
      },
      { files: () => files.io },
    )
    return error
  }

  it('is refused: a shard of another save, cut, or missing', async () => {
    const other = folder()
    await saved(2, other, 3)
    const theirs = [...other.files].find(([name]) => name.includes('shard-1-'))?.[1] as Uint8Array<ArrayBuffer>
    expect(await damaged(({ files }, shard) => files.set(shard, theirs))).toMatchObject({
      message: expect.stringMatching(/shard-1-.* belongs to another save/),
    })
    const half = await damaged(({ files }, shard) => files.set(shard, files.get(shard)?.slice(0, 100) as never))
    expect(half).toMatchObject({ code: 'BAD_FILE' })
    expect(await damaged(({ files }, shard) => files.delete(shard))).toMatchObject({
      message: expect.stringMatching(/shard-1/),
    })
  })

  it.each([
    ['no JSON', '{', /not that of a sharded checkpoint \(the file/],
    ['another format', '{"format":"x"}', /format/],
    ['a newer layout', meta({ version: 9 }), /layout 9.*up to 1/],
    [
      'a gap',
      meta({
        tensors: [
          tensor([
            [0, 0, 2],
            [1, 3, 4],
          ]),
        ],
      }),
      /slices of w overlap, leave a gap/,
    ],
    [
      'an overlap',
      meta({
        tensors: [
          tensor([
            [0, 0, 3],
            [1, 2, 4],
          ]),
        ],
      }),
      /overlap/,
    ],
    ['too little', meta({ tensors: [tensor([[0, 0, 3]])] }), /cover 3 of its 4/],
    ['a rank that is none', meta({ tensors: [tensor([[7, 0, 4]])] }), /a rank that is none/],
    ['an id that leads elsewhere', meta({ id: '../../../' }), /id/],
  ])('is refused: meta.json with %s', (_, text, message) => {
    expect(() => parseMeta('big', text)).toThrow(message)
  })
})

it('keeps the checkpoint before it when a rank cannot write its shard, and names that rank', async () => {
  const files = folder()
  const weights = await saved(2, files)
  const io = (rank: number) => ({
    ...files.io,
    write: async (name: string, bytes: Uint8Array<ArrayBuffer>) =>
      rank === 1 ? Promise.reject(new Error('disk full')) : files.io.write(name, bytes),
  })
  await runRanks(
    2,
    async (rank) => {
      const { fabric, model, weights: now } = await trained(rank, 5)
      const save = fabric.save('big', { model }, { sharded: true })
      await expect(save).rejects.toMatchObject({
        rank: 1,
        message: expect.stringMatching(/rank 1 could not.*disk full.*still whole/),
      })
      await fabric.load('big', { model })
      expect(now()).toEqual(weights)
    },
    { files: io },
  )
})

it.each(['opfs:big', 'a/b/c/d/e/f'])('refuses %s: ranks need one folder', async (path) => {
  await runRanks(2, async (rank) => {
    const { fabric, model } = await trained(rank, 1, 0)
    await expect(fabric.save(path, { model }, { sharded: true })).rejects.toThrow(/one folder.*plain path/)
  })
})

function tensor(slices: number[][]): object {
  return { name: 'w', dtype: 'F32', shape: [4], slices }
}

function meta(change: object): string {
  const whole = {
    format: 'rondo-sharded-checkpoint',
    version: 1,
    id: '0123abcd',
    worldSize: 2,
    metadata: {},
    tensors: [],
  }
  return JSON.stringify({ ...whole, ...change })
}

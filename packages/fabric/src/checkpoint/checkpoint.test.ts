/** save and load through the ranks: what comes back, what is left over, filters, refusals, and who reads. */
import { decodeSafetensors, StepLR, tf } from '@rondo/engine'
import { describe, expect, it } from 'vitest'
import { folder, trained } from '../testing/checkpoints.ts'
import { runRanks, type TestRank } from '../testing/ranks.ts'
import type { SaveFilters } from './filter.ts'

const one = <T>(program: (rank: TestRank) => Promise<T>, files = folder()): Promise<T[]> =>
  runRanks(1, program, { files: () => files.io })

it.each([1, 2, 4])('brings weights, optimizer, plain values and schedulers back on %d ranks', async (worldSize) => {
  const after = await runRanks(worldSize, async (rank) => {
    const { fabric, model, optimizer, weights } = await trained(rank, 1)
    const scheduler = new StepLR(optimizer, { stepSize: 1, gamma: 0.5 })
    scheduler.step()
    await fabric.save('a.ckpt', { model, optimizer, scheduler, epoch: 3, best: Number.NaN, note: { a: [1, -0, null] } })
    const before = weights()
    const again = await trained(rank, 2, 0)
    const other = new StepLR(again.optimizer, { stepSize: 1, gamma: 0.5 })
    const state = { model: again.model, optimizer: again.optimizer, scheduler: other, epoch: 0, best: 1 }
    const rest = await again.fabric.load('a.ckpt', state)
    expect(again.weights()).toEqual(before)
    expect(again.optimizer.learningRate).toBe(0.005)
    expect([other.count, state.epoch, state.best]).toEqual([1, 3, Number.NaN])
    expect(rest).toEqual({ note: { a: [1, -0, null] } })
    const [mine, theirs] = await Promise.all([optimizer.optimizer.state(), again.optimizer.optimizer.state()])
    expect(theirs).toMatchObject(mine)
    return again.weights()
  })
  expect(new Set(after.map(String)).size).toBe(1)
})

it('loads on rank 1 a file that only rank 0 can read', async () => {
  const onDisk = folder()
  const noDisk = { write: async () => Promise.reject(new Error('no disk here')), read: async () => Promise.reject() }
  const files = (rank: number) => (rank === 0 ? onDisk.io : noDisk)
  await runRanks(
    2,
    async (rank) => {
      const { fabric, model, weights } = await trained(rank, 1)
      await fabric.save('a.ckpt', { model })
      const again = await trained(rank, 2)
      await again.fabric.load('a.ckpt', { model: again.model })
      expect(again.weights()).toEqual(weights())
    },
    { files: files as never },
  )
  expect([...onDisk.files.keys()]).toEqual(['a.ckpt'])
})

it('returns what no key took: values, models by tensor, optimizer states', async () => {
  await one(async (rank) => {
    const { fabric, model, optimizer } = await trained(rank, 1)
    const scale = tf.variable(tf.tensor1d([1, 2]))
    await fabric.save('a.ckpt', { model, optimizer, scale, epoch: 3 })
    const all = (await fabric.load('a.ckpt')) as Record<string, Record<string, unknown>>
    expect(Object.keys(all).sort()).toEqual(['epoch', 'model', 'optimizer', 'scale'])
    expect(Object.keys(all['model'] ?? {})).toContain('layers[0].kernel')
    expect(all['optimizer']?.['hyperparameters']).toMatchObject({ kind: 'adam' })
    const other = tf.variable(tf.tensor1d([0, 0]))
    expect(Object.keys(await fabric.load('a.ckpt', { scale: other, model }))).toEqual(['optimizer', 'epoch'])
    expect([...other.dataSync()]).toEqual([1, 2])
  })
})

it('takes keys that begin alike apart', async () => {
  await one(async (rank) => {
    const [a, b] = [await trained(rank, 1), await trained(rank, 2)]
    await a.fabric.save('a.ckpt', { net: a.model, 'net.ema': b.model })
    const [c, d] = [await trained(rank, 3), await trained(rank, 4)]
    await c.fabric.load('a.ckpt', { 'net.ema': d.model, net: c.model })
    expect([c.weights(), d.weights()]).toEqual([a.weights(), b.weights()])
  })
})

describe('filter', () => {
  it('keeps what it says of models, optimizers and plain data', async () => {
    const files = folder()
    await one(async (rank) => {
      const { fabric, model, optimizer } = await trained(rank, 1)
      const filter: SaveFilters = {
        model: (name) => name.startsWith('layers[0]'),
        optimizer: (name, { data }: { data: Float32Array }) => data.length > 1 && !name.endsWith('bias.v'),
        notes: (name) => name === 'kept',
        epoch: () => false,
      }
      await fabric.save('a.ckpt', { model, optimizer, notes: { kept: 1, dropped: 2 }, epoch: 3 }, { filter })
      const names = decodeSafetensors(files.files.get('a.ckpt') as Uint8Array).tensors.map(({ name }) => name)
      expect(names.filter((name) => name.startsWith('model.'))).toEqual([
        'model.layers[0].kernel',
        'model.layers[0].bias',
      ])
      expect(names.filter((name) => name.startsWith('optimizer.') && /step$|bias\.v$/.test(name))).toEqual([])
      await expect(fabric.load('a.ckpt', { model })).rejects.toThrow(
        /missing model\.layers\[1\]\.kernel, model\.layers\[1\]/,
      )
      const rest = await fabric.load('a.ckpt', { model }, { strict: false })
      expect(rest).toMatchObject({ notes: { kept: 1 }, epoch: 3 })
      expect(rest['notes']).not.toHaveProperty('dropped')
    }, files)
  })

  it.each([
    ['no object', 3, /filter is a number.*an object with a function/],
    ['a list', [], /filter is an array/],
    ['null', null, /filter is null/],
    ['an unknown key', { net: () => true }, /filter has "net".*the keys of the state: model, epoch/],
    ['no function', { model: true }, /filter\.model is a boolean.*\(name, value\) => boolean/],
    ['a promise', { model: async () => true }, /filter\.model\("layers\[0\]\.kernel"\) returned a promise/],
  ])('refuses %s, on every rank', async (_, filter, message) => {
    await runRanks(2, async (rank) => {
      const { fabric, model } = await trained(rank, 1, 0)
      const save = fabric.save('a.ckpt', { model, epoch: 1 }, { filter: filter as SaveFilters })
      await expect(save).rejects.toMatchObject({ code: 'BAD_ARGUMENT', message: expect.stringMatching(message) })
    })
  })
})

describe('refusals', () => {
  it.each([
    ['an array', [], /state is an array/],
    ['a model alone', null, /state is a FabricModel/],
    ['a function in it', { a: { b: [() => 1] } }, /state\.a\.b\[0\] is a function/],
    ['a typed array in it', { a: new Float32Array(2) }, /state\.a is a Float32Array/],
    ['a value in itself', circular(), /state\.self\..*contains itself/],
  ])('of a state that is %s, on every rank', async (_, state, message) => {
    await runRanks(2, async (rank) => {
      const { fabric, model } = await trained(rank, 1, 0)
      const given = (state ?? model) as never
      await expect(fabric.save('a.ckpt', given)).rejects.toMatchObject({
        code: 'BAD_ARGUMENT',
        message: expect.stringMatching(message),
      })
    })
  })

  it('lists what is missing and unexpected, and leaves everything as it was', async () => {
    await one(async (rank) => {
      const { fabric, model, optimizer } = await trained(rank, 1)
      await fabric.save('a.ckpt', { model, epoch: 1 })
      const deep = await trained(rank, 2)
      const before = deep.weights()
      const state = { model: deep.model, optimizer, epoch: 7, loss: 1 }
      await expect(deep.fabric.load('a.ckpt', state)).rejects.toThrow(/missing optimizer, loss, unexpected nothing/)
      const wide = await trained(rank, 2, 0, 5)
      await expect(wide.fabric.load('a.ckpt', { model: wide.model })).rejects.toThrow(
        /layers\[0\]\.kernel has shape \[2, 3\] there and \[2, 5\] in the model/,
      )
      expect([deep.weights(), state.epoch]).toEqual([before, 7])
    })
  })

  it("an optimizer's state of another kind, or of another model", async () => {
    await one(async (rank) => {
      const { fabric, model, optimizer } = await trained(rank, 1)
      await fabric.save('a.ckpt', { model, optimizer })
      const [plain, sgd] = await fabric.setup(
        tf.sequential({ layers: [tf.layers.dense({ inputShape: [2], units: 1 })] }),
        tf.train.sgd(1),
      )
      await expect(fabric.load('a.ckpt', { optimizer: sgd })).rejects.toThrow(/saved by adam.*given optimizer is sgd/)
      await fabric.save('b.ckpt', { optimizer })
      await expect(fabric.load('b.ckpt', { model: plain, optimizer }, { strict: false })).rejects.toThrow(
        /optimizer\.layers\[0\]\.kernel\.\w+ has shape \[2, 3\], and the parameter/,
      )
    })
  })

  it('names rank 0 on every rank when it cannot write or read', async () => {
    const full = {
      write: async () => Promise.reject(new Error('disk full')),
      read: async () => Promise.reject(new Error('gone')),
    }
    await runRanks(
      2,
      async (rank) => {
        const { fabric, model } = await trained(rank, 1, 0)
        await expect(fabric.save('a.ckpt', { model })).rejects.toMatchObject({ message: 'disk full (rank 0)', rank: 0 })
        await expect(fabric.load('a.ckpt', { model })).rejects.toMatchObject({ message: 'gone (rank 0)', rank: 0 })
      },
      { files: () => full as never },
    )
  })

  it.each([
    ['another path', (rank: number) => [`${rank}.ckpt`, 'model'] as const],
    ['another key', (rank: number) => ['a.ckpt', rank === 1 ? 'net' : 'model'] as const],
  ])('a rank that saves under %s, by both ranks and within seconds', async (_, saved) => {
    const run = runRanks(
      2,
      async (rank) => {
        const { fabric, model } = await trained(rank, 1, 0)
        const [path, key] = saved(rank.context.group.rank)
        await fabric.save(path, { [key]: model })
      },
      { stepTimeoutMs: 2000 },
    )
    await expect(run).rejects.toMatchObject({ code: 'COLLECTIVE_MISMATCH' })
  })

  it('a rank that does not come to save', async () => {
    const run = runRanks(
      2,
      async (rank) => {
        const { fabric, model } = await trained(rank, 1, 0)
        if (rank.context.group.rank === 0) await fabric.save('a.ckpt', { model })
        else await fabric.barrier('elsewhere')
      },
      { stepTimeoutMs: 500 },
    )
    await expect(run).rejects.toMatchObject({ code: expect.stringMatching(/COLLECTIVE_MISMATCH|TIMEOUT/) })
  })
})

function circular(): Record<string, unknown> {
  const state: Record<string, unknown> = {}
  state['self'] = state
  return state
}

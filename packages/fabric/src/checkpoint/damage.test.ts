/** Files that are no checkpoints, bare files, and places: one sentence each, and the state stays as it was. */
import { encodeSafetensors, parametersOf, readTensors, sgd } from '@rondo/engine'
import { describe, expect, it } from 'vitest'
import { Fabric } from '../fabric.ts'
import { folder, trained } from '../testing/checkpoints.ts'
import { runRanks } from '../testing/ranks.ts'
import { type CheckpointContent, CheckpointIO } from './checkpoint-io.ts'
import { VALUES_KEY } from './content.ts'
import { checkpointFiles, parsePlace } from './place.ts'

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)
const hugeHeader = (): Uint8Array<ArrayBuffer> => {
  const file = new Uint8Array(32)
  new DataView(file.buffer).setBigUint64(0, 2n ** 62n, true)
  return file
}

describe('nonsense files', () => {
  it.each([
    ['an empty file', () => new Uint8Array(0), /ends after 0 bytes/],
    ['a huge header', hugeHeader, /claims 4611686018427387904 bytes/],
    ['another format', () => bytes('PK\u0003\u0004 not this at all'), /not a valid safetensors file/],
    [
      'half a file',
      (whole: Uint8Array<ArrayBuffer>) => whole.slice(0, whole.length - 7),
      /needs \d+ bytes and the file ends/,
    ],
    ['values that are no JSON', () => encodeSafetensors([], { [VALUES_KEY]: '{"a":' }), /no JSON object/],
    ['values that are a list', () => encodeSafetensors([], { [VALUES_KEY]: '[1]' }), /no JSON object/],
    [
      'an optimizer that is a number',
      () => encodeSafetensors([], { [VALUES_KEY]: '{"optimizer":1}' }),
      /no state of an optimizer/,
    ],
    ['bare weights', () => encodeSafetensors([{ name: 'w', shape: [1], data: Float32Array.of(1) }]), /fabric\.loadRaw/],
  ])('%s', async (_, damage, message) => {
    const { files, io } = folder()
    await runRanks(
      1,
      async (rank) => {
        const { fabric, model, optimizer, weights } = await trained(rank, 1)
        await fabric.save('a.ckpt', { model, optimizer })
        files.set('a.ckpt', damage(files.get('a.ckpt') as Uint8Array<ArrayBuffer>))
        const again = await trained(rank, 2)
        const before = again.weights()
        const load = fabric.load('a.ckpt', { model: again.model, optimizer: again.optimizer }, { strict: false })
        await expect(load).rejects.toMatchObject({ code: 'BAD_FILE', message: expect.stringMatching(message) })
        expect([again.weights(), weights()]).toEqual([before, weights()])
      },
      { files: () => io },
    )
  })

  it('anything cut or changed leaves the model whole: all of it loads, or nothing', async () => {
    const { files, io } = folder()
    await runRanks(
      1,
      async (rank) => {
        const { fabric, model, optimizer } = await trained(rank, 1)
        await fabric.save('a.ckpt', { model, optimizer })
        const whole = files.get('a.ckpt') as Uint8Array<ArrayBuffer>
        const again = await trained(rank, 2)
        const before = again.weights()
        for (let at = 0; at < whole.length; at += 97) {
          files.set('a.ckpt', whole.slice(0, at))
          await expect(fabric.load('a.ckpt', { model: again.model })).rejects.toMatchObject({ code: 'BAD_FILE' })
        }
        expect(again.weights()).toEqual(before)
      },
      { files: () => io },
    )
  })
})

describe('paths', () => {
  it.each(['../a.ckpt', '/etc/passwd', 'a/../b', '.hidden', 'a//b', '', 'opfs:../x', 'opfs:', 'a\u0000b', 'a b', 3])(
    'refuses %s, and says what is allowed',
    (path) => {
      expect(() => parsePlace(path)).toThrow(
        /Allowed is a path relative to the run's folder.*opfs:, indexeddb:, download:/,
      )
    },
  )

  it('refuses a scheme that nobody knows', () => {
    expect(() => parsePlace('s3:bucket/a')).toThrow(/s3: is no known place/)
    expect(parsePlace('OPFS:/a/b.ckpt')).toEqual({ scheme: 'opfs:', name: 'a/b.ckpt' })
  })

  it('lead to the run, the two storages and the download, and only there', async () => {
    const log: string[] = []
    const storage = (where: string) => ({
      write: async (name: string) => void log.push(`${where} write ${name}`),
      read: async (name: string) => bytes(`${where} ${name}`),
      remove: async (name: string) => void log.push(`${where} remove ${name}`),
    })
    const given: string[] = []
    const options = { run: storage('run'), opfs: storage('opfs'), indexedDb: storage('idb') }
    const files = checkpointFiles({ ...options, download: (name) => void given.push(name) })
    for (const path of ['a', 'opfs:a', 'indexeddb:a', 'download:deep/a.ckpt']) {
      await files.write(path, bytes('x'))
      await files.remove(path)
    }
    expect(log).toEqual(['run', 'opfs', 'idb'].flatMap((where) => [`${where} write a`, `${where} remove a`]))
    expect(given).toEqual(['a.ckpt'])
    expect(new TextDecoder().decode(await files.read('indexeddb:b'))).toBe('idb b')
    await expect(files.read('download:a')).rejects.toThrow(
      /cannot read what it downloaded.*Put the file into the run's folder/,
    )
    await expect(checkpointFiles({ ...options, download: null }).write('download:a', bytes(''))).rejects.toThrow(
      /no page is here.*opfs: and indexeddb:/,
    )
  })
})

describe('loadRaw', () => {
  it('fills a model by names, widens halves, and leaves it alone when names are missing', async () => {
    const { files, io } = folder()
    await runRanks(
      2,
      async (rank) => {
        const source = await trained(rank, 1)
        const parameters = parametersOf(source.model.module)
        const values = await readTensors(parameters.map(({ variable }) => variable))
        const tensors = parameters.map(({ name, variable }, i) => ({
          name,
          shape: variable.shape,
          data: values[i] as Float32Array,
          dtype: 'BF16' as const,
        }))
        files.set('raw.safetensors', encodeSafetensors(tensors))
        files.set('less.safetensors', encodeSafetensors(tensors.slice(1)))
        files.set(
          'more.safetensors',
          encodeSafetensors([...tensors, { name: 'extra', shape: [1], data: Float32Array.of(1) }]),
        )
        const target = await trained(rank, 2)
        const before = target.weights()
        const { fabric, model } = target
        await expect(fabric.loadRaw('less.safetensors', model)).rejects.toThrow(
          /missing layers\[0\]\.kernel, unexpected nothing/,
        )
        await expect(fabric.loadRaw('more.safetensors', model)).rejects.toThrow(/missing nothing, unexpected extra/)
        expect(target.weights()).toEqual(before)
        await fabric.loadRaw('raw.safetensors', model)
        for (const [i, weight] of target.weights().entries())
          expect(weight).toBeCloseTo(source.weights()[i] as number, 2)
        await fabric.loadRaw('more.safetensors', model.module, { strict: false })
      },
      { files: () => io },
    )
  })

  it('fills an optimizer, and refuses objects and files that are none', async () => {
    const { files, io } = folder()
    await runRanks(
      1,
      async (rank) => {
        const { fabric, model, optimizer } = await trained(rank, 1)
        const state = await optimizer.optimizer.state()
        const metadata = { 'rondo.hyperparameters': JSON.stringify(state.hyperparameters) }
        files.set('adam.safetensors', encodeSafetensors(state.tensors, metadata))
        files.set('w.safetensors', encodeSafetensors([{ name: 'w', shape: [1], data: Float32Array.of(1) }]))
        const again = await trained(rank, 2, 0)
        await fabric.loadRaw('adam.safetensors', again.optimizer)
        expect(await again.optimizer.optimizer.state()).toMatchObject(state)
        await expect(fabric.loadRaw('adam.safetensors', sgd({ learningRate: 1 }))).rejects.toThrow(/saved by adam/)
        await expect(fabric.loadRaw('w.safetensors', optimizer)).rejects.toThrow(
          /no state of an optimizer: unexpected w/,
        )
        await expect(fabric.loadRaw('w.safetensors', { a: 1 })).rejects.toThrow(
          /obj is a Object.*one model or one optimizer/,
        )
        await fabric.save('a.ckpt', { model })
        await expect(fabric.loadRaw('a.ckpt', model)).rejects.toThrow(/fabric\.load\(path, \{ model \}\)/)
      },
      { files: () => io },
    )
  })
})

it('a CheckpointIO of one’s own takes the place of files, on rank 0 alone', async () => {
  const kept = new Map<string, CheckpointContent>()
  class Shelf extends CheckpointIO {
    readonly rank: number
    constructor(rank: number) {
      super()
      this.rank = rank
    }
    async saveCheckpoint(checkpoint: CheckpointContent, path: string): Promise<void> {
      kept.set(`${path} by rank ${this.rank}`, checkpoint)
    }
    async loadCheckpoint(path: string): Promise<CheckpointContent> {
      return kept.get(`${path} by rank ${this.rank}`) as CheckpointContent
    }
    async removeCheckpoint(path: string): Promise<void> {
      kept.delete(path)
    }
  }
  await runRanks(2, async (rank) => {
    const fabric = new Fabric({ plugins: new Shelf(rank.context.group.rank) }, rank.context)
    await fabric.launch()
    const { model, weights } = await trained(rank, 1)
    await fabric.save('any name at all', { model })
    const again = await trained(rank, 2)
    await expect(again.fabric.load('x.ckpt', { model: again.model })).rejects.toThrow(/x\.ckpt/)
    await fabric.load('any name at all', { model: again.model })
    expect(again.weights()).toEqual(weights())
    const sharded = fabric.save('x', { model }, { sharded: true })
    await expect(sharded).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringMatching(/Shelf/) })
  })
  expect([...kept.keys()]).toEqual(['any name at all by rank 0'])
})

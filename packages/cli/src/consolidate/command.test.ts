/** `rondo consolidate` on real folders: what it joins, and what it refuses. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeSafetensors, encodeSafetensors, type NamedTensor } from '@rondo/engine/safetensors'
import { metaOf, SHARD_ID_KEY, shardFile, sliceOf } from '@rondo/fabric/sharded-format'
import { afterAll, beforeEach, expect, it, vi } from 'vitest'
import { exitCodeOfError } from '../process/exit-code.ts'
import { consolidateCommand } from './command.ts'

const root = mkdtempSync(join(tmpdir(), 'rondo-consolidate-'))
const folder = join(root, 'big.ckpt')
const WORLD = 4
const TENSORS: NamedTensor[] = [
  { name: 'model.w', shape: [3, 3], data: Float32Array.from({ length: 9 }, (_, i) => i), dtype: 'F32' },
  { name: 'model.half', shape: [6], data: Float32Array.from({ length: 6 }, (_, i) => i / 4), dtype: 'BF16' },
  { name: 'optimizer.w.step', shape: [], data: Int32Array.of(7), dtype: 'I32' },
  { name: 'none', shape: [0], data: new Float32Array(0), dtype: 'F32' },
]
const METADATA = { 'rondo.values': '{"epoch":3}' }

beforeEach(() => {
  rmSync(root, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const described = TENSORS.map(({ name, shape, dtype }) => ({ name, shape: [...shape], dtype: dtype ?? 'F32' }))
  const meta = metaOf({ metadata: METADATA }, described, WORLD, '0123abcd')
  for (let rank = 0; rank < WORLD; rank++) {
    const mine = TENSORS.flatMap((tensor) => {
      const [begin, end] = sliceOf(tensor.data.length, rank, WORLD)
      return begin === end ? [] : [{ ...tensor, shape: [end - begin], data: tensor.data.slice(begin, end) }]
    })
    writeFileSync(join(folder, shardFile(rank, '0123abcd')), encodeSafetensors(mine, { [SHARD_ID_KEY]: '0123abcd' }))
  }
  writeFileSync(join(folder, 'meta.json'), JSON.stringify(meta))
  vi.spyOn(console, 'log').mockImplementation(() => {})
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

it.each([
  ['beside the folder by default', [], `${folder}.consolidated`],
  ['where --output_file says', ['--output_file', join(root, 'one.ckpt')], join(root, 'one.ckpt')],
  ['where --output-file= says', [`--output-file=${join(root, 'two.ckpt')}`], join(root, 'two.ckpt')],
])('joins all shards into one file, %s', async (_, flags, target) => {
  expect(await consolidateCommand([`${folder}/`, ...flags])).toBe(0)
  const { tensors, metadata } = decodeSafetensors(readFileSync(target))
  const byName = (a: NamedTensor, b: NamedTensor): number => a.name.localeCompare(b.name)
  expect(tensors.sort(byName)).toEqual([...TENSORS].sort(byName))
  expect(metadata).toEqual(METADATA)
  expect(readdirSync(root).filter((name) => name.startsWith('.'))).toEqual([])
})

const refusal = async (...words: string[]): Promise<{ code: number; message: string }> => {
  const thrown: unknown = await consolidateCommand(words).then(
    () => null,
    (error: unknown) => error,
  )
  return { code: exitCodeOfError(thrown), message: (thrown as Error).message }
}

it('refuses a target that exists, and leaves it alone', async () => {
  writeFileSync(`${folder}.consolidated`, 'precious')
  expect(await refusal(folder)).toEqual({ code: 2, message: expect.stringMatching(/is there already.*--output-file/) })
  expect(readFileSync(`${folder}.consolidated`, 'utf8')).toBe('precious')
})

it('refuses what is no sharded checkpoint', async () => {
  mkdirSync(join(root, 'empty'))
  writeFileSync(join(root, 'file'), '')
  for (const [name, why] of [
    ['empty', /has no meta\.json/],
    ['file', /is a file.*load it as it is/],
    ['gone', /is not there/],
  ] as const) {
    expect(await refusal(join(root, name))).toEqual({ code: 2, message: expect.stringMatching(why) })
    expect(existsSync(join(root, `${name}.consolidated`))).toBe(false)
  }
})

it('refuses a missing folder, further words and unknown flags', async () => {
  expect(await refusal()).toEqual({ code: 2, message: expect.stringMatching(/no FOLDER/) })
  expect(await refusal(folder, 'more')).toEqual({
    code: 2,
    message: expect.stringMatching(/more is one word too many/),
  })
  expect(await refusal('--wrong', folder)).toMatchObject({ code: 2 })
})

it('names a shard that is missing or cut, and writes nothing', async () => {
  const shard = join(folder, shardFile(2, '0123abcd'))
  writeFileSync(shard, readFileSync(shard).subarray(0, 40))
  expect((await refusal(folder)).message).toMatch(/shard-2-0123abcd\.safetensors is not a valid/)
  rmSync(shard)
  expect((await refusal(folder)).message).toMatch(/shard-2-0123abcd\.safetensors cannot be read/)
  expect(existsSync(`${folder}.consolidated`)).toBe(false)
})

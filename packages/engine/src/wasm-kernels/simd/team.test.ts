/** Products by several threads on a shared heap give the bytes that one thread gives, over and over. */
import { Worker } from 'node:worker_threads'
import { afterAll, expect, test } from 'vitest'
import { Random } from '../../seeds/random.ts'
import type { BackendWasm } from '../../tfjs.ts'
import { FLOAT_BYTES } from '../heap.ts'
import { product } from '../product.ts'
import { assemble } from './assembler.ts'
import { plainMultiplyAdd, TILE_COUNT } from './gemm-programs.ts'
import { type ProgramCall, programsWith, type SimdPrograms } from './programs.ts'
import { type StartHelper, TEAM_BYTES, TileTeam } from './team.ts'

const PAGE_BYTES = 65_536
const PAGES = 256
const HELPERS = 2

/** tfjs has a shared heap in browsers only; this one hands out room from the start and takes back what came last. */
const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true })
let top = PAGE_BYTES
const allocate = (bytes: number): number => {
  const at = top
  top += Math.ceil(bytes / 16) * 16
  if (top > PAGES * PAGE_BYTES) throw new Error('the heap of this test is full')
  return at
}
const heap = {
  wasm: {
    HEAPU8: new Uint8Array(memory.buffer),
    _malloc: allocate,
    _free: (at: number) => {
      top = at
    },
  },
} as unknown as BackendWasm

const workers: Worker[] = []
const startHelper: StartHelper = (text, message) => {
  const worker = new Worker(`${text}\nstart(require('node:worker_threads').workerData)`, {
    eval: true,
    workerData: message,
  })
  workers.push(worker)
}

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.terminate()))
})

const module = new WebAssembly.Module(assemble(programsWith(plainMultiplyAdd), true))
const calls = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Record<string, ProgramCall>
const tiles = Array.from({ length: TILE_COUNT }, (_, i) => calls[`tile${i}`] as ProgramCall)
const team = new TileTeam({ module, memory, list: allocate(TEAM_BYTES), tiles }, HELPERS, startHelper)

test.each([
  [512, 300, 261, false, false],
  [64, 784, 256, false, true],
  [261, 515, 90, true, false],
  [300, 300, 300, true, true],
])('%i × %i · %i, turned %s %s', (m, k, n, turnedA, turnedB) => {
  const start = top
  const random = new Random(5)
  const matrix = (rows: number, columns: number) => {
    const at = allocate(rows * columns * FLOAT_BYTES)
    const values = new Float32Array(memory.buffer, at, rows * columns)
    for (let i = 0; i < values.length; i++) values[i] = random.normal()
    return { at, values }
  }
  const a = matrix(turnedA ? k : m, turnedA ? m : k)
  const b = matrix(turnedB ? n : k, turnedB ? k : n)
  const results = [null, team, team, team, team].map((helpers) => {
    const c = matrix(m, n)
    product(heap, { ...calls, tiles, team: helpers } as unknown as SimdPrograms, {
      a: { at: a.at, row: turnedA ? m : k, turned: turnedA },
      b: { at: b.at, row: turnedB ? k : n, turned: turnedB },
      c: { at: c.at, row: n },
      ...{ m, k, n },
    })
    return c.values
  })
  const [alone, ...together] = results as [Float32Array, ...Float32Array[]]
  const [i, j] = [m - 1, n - 1]
  let expected = 0
  for (let p = 0; p < k; p++) {
    const left = a.values[turnedA ? p * m + i : i * k + p] as number
    expected += left * (b.values[turnedB ? j * k + p : p * n + j] as number)
  }
  expect(alone[i * n + j]).toBeCloseTo(expected, 3)
  for (const values of together) expect(Buffer.compare(bytesOf(values), bytesOf(alone))).toBe(0)
  top = start
})

test('a thousand short lists are each done once', () => {
  const count = 40
  const at = allocate(count * 16)
  const target = new Float32Array(memory.buffer, at, count * 4)
  const start = allocate(16)
  // A tile of one row and one vector over no k: it copies what it starts from.
  const tasks = Array.from({ length: count }, (_, i) => [0, 0, 0, at + i * 16, start, 1, 1, 0, 0, 0, 0, 0, 0, 0, 16, 0])
  for (let round = 1; round <= 1_000; round++) {
    new Float32Array(memory.buffer, start, 4).fill(round)
    team.run(tasks)
    expect(target.every((value) => value === round)).toBe(true)
  }
})

const bytesOf = (values: Float32Array): Uint8Array => new Uint8Array(values.slice().buffer)

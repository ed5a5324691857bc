/** Precision by name and by device: what each value becomes, what is refused, and the line that says so. */
import { LossScaler } from '@rondo/engine'
import { afterEach, expect, it, vi } from 'vitest'
import { Fabric } from './fabric.ts'
import { MixedPrecision } from './plugins/mixed-precision.ts'
import { parsePrecision, shortNameNote } from './precision.ts'
import { runRanks, type TestRank } from './testing/ranks.ts'
import { RankPrecision } from './training/rank-precision.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

it.each([
  [undefined, '32-true'],
  [32, '32-true'],
  ['16', '16-mixed'],
  [16, '16-mixed'],
  ['BF16', 'bf16-mixed'],
  ['bf16-mixed', 'bf16-mixed'],
  ['16-true', '16-true'],
  ['bf16-true', 'bf16-true'],
] as const)('reads precision %j as %s', (value, name) => {
  expect(parsePrecision(value)).toBe(name)
})

it.each([
  [64, 'UNSUPPORTED', /"64-true".*WebGPU, WebGL and WASM have no 64-bit.*Use "32-true"/],
  ['64-true', 'UNSUPPORTED', /cpu backend .* keeps 32 bits/],
  ['transformer-engine', 'UNSUPPORTED', /fp8.*Use "bf16-mixed"/],
  ['transformer-engine-float16', 'UNSUPPORTED', /fp8.*Use "bf16-mixed"/],
  [8, 'BAD_ARGUMENT', /"8".*32-true, 16-mixed.*bf16/],
] as const)('refuses precision %j', (value, code, message) => {
  expect(() => new Fabric({ precision: value })).toThrow(message)
  expect(() => new Fabric({ precision: value })).toThrow(expect.objectContaining({ code }))
})

it('prints once that the long name is preferred, for 16 and bf16', () => {
  const info = vi.spyOn(console, 'info').mockImplementation(() => {})
  new Fabric({ precision: 16 })
  new Fabric({ precision: '16' })
  expect(info.mock.calls).toEqual([[expect.stringMatching(/"16" is short for "16-mixed".*preferred/)]])
  expect(['bf16', 32, 64, '16-mixed'].map((value) => shortNameNote(value) !== null)).toEqual([
    true,
    false,
    false,
    false,
  ])
})

it.each([
  ['32-true', null, '32-true: weights f32, arithmetic f32, wire f32, loss scaler off, shader-f16 no'],
  [
    '16-mixed',
    null,
    '16-mixed: weights f32 master, arithmetic f32 sums of f16-rounded inputs, wire f32, loss scaler on, scale 65536, shader-f16 no',
  ],
  [
    '16-mixed',
    'wasm of rank 1',
    'bf16-mixed (asked for 16-mixed): weights f32 master, arithmetic f32 sums of bf16-rounded inputs, wire f32, loss scaler off, shader-f16 no',
  ],
  [
    'bf16-true',
    'cpu',
    'bf16-true: weights bf16, no master copy, arithmetic f32 sums of bf16-rounded inputs, wire f32, loss scaler off, shader-f16 no',
  ],
] as const)('%s where %s lacks float16: the start-up line', (precision, lacking, line) => {
  expect(new RankPrecision({ precision }, lacking).describe('f32')).toBe(line)
})

it('takes a plugin at its word, with its scaler, and refuses what does not go together', () => {
  const scaler = new LossScaler({ initScale: 8 })
  const plugin = new MixedPrecision('16-mixed', { scaler })
  expect(new RankPrecision({ precision: '16-mixed', plugin }, 'cpu')).toMatchObject({ used: '16-mixed', scaler })
  expect(() => new MixedPrecision('16-true' as never)).toThrow(/no mixed precision/)
  expect(() => new MixedPrecision('bf16-mixed', { scaler })).toThrow(/needs no loss scale/)
  expect(() => new MixedPrecision('16-mixed', { scaler: {} as never })).toThrow(/no LossScaler/)
  expect(() => new Fabric({ precision: '16-mixed', plugins: plugin })).toThrow(/Choose one/)
})

async function line({ context, events }: TestRank, options: ConstructorParameters<typeof Fabric>[0]): Promise<unknown> {
  const { tf } = await import('@rondo/engine')
  const fabric = new Fabric(options, context)
  await fabric.launch()
  const net = tf.sequential({ layers: [tf.layers.dense({ inputShape: [1], units: 1 })] })
  const [model, optimizer] = await fabric.setup(net, tf.train.sgd(0.1))
  await fabric.backward(() => tf.mean(model.forward(tf.ones([2, 1]))) as never)
  await optimizer.step()
  return events.find(({ kind }) => kind === 'setup')
}

it('makes bf16-mixed of 16-mixed on cpu, with one note, and tells what it really does', async () => {
  const info = vi.spyOn(console, 'info').mockImplementation(() => {})
  const setups = await runRanks(2, (rank) => line(rank, { precision: '16-mixed' }))
  for (const setup of setups) {
    expect(setup).toMatchObject({
      precision:
        'bf16-mixed (asked for 16-mixed): weights f32 master, arithmetic f32 sums of bf16-rounded inputs, wire bf16, loss scaler off, shader-f16 no',
    })
  }
  expect(info.mock.calls).toEqual([[expect.stringMatching(/"16-mixed" becomes "bf16-mixed": cpu of rank 0/)]])
})

it('refuses ranks with different precisions, naming both', async () => {
  const run = runRanks(2, (rank) => line(rank, { precision: rank.context.group.rank === 1 ? 'bf16-mixed' : '32-true' }))
  await expect(run).rejects.toThrow(/"32-true" on rank 0 and "bf16-mixed" on rank 1/)
})

/** Options against flags: who wins, what conflicts, what is refused and with which words. */
import type { RunConfig } from '@rondo/protocol'
import { describe, expect, it } from 'vitest'
import { resolveOptions } from './options.ts'
import { configOf } from './testing/ranks.ts'

const WORLD = { devices: 2, numNodes: 1 }

const flags = (overrides: Partial<RunConfig> = {}): RunConfig => configOf(2, overrides)

describe('options meet flags', () => {
  it('takes the value of the side that set one', () => {
    expect(resolveOptions({}, flags({ accelerator: 'wasm' }), WORLD).accelerator).toBe('wasm')
    expect(resolveOptions({ accelerator: 'cpu' }, flags(), WORLD).accelerator).toBe('cpu')
    expect(resolveOptions({}, flags(), WORLD)).toMatchObject({ accelerator: 'auto', precision: '32-true' })
  })

  it('lets auto take the other side', () => {
    const config = flags({ accelerator: 'cpu', explicit: ['accelerator'] })
    expect(resolveOptions({ accelerator: 'auto' }, config, WORLD).accelerator).toBe('cpu')
    expect(
      resolveOptions({ accelerator: 'wasm' }, flags({ accelerator: 'auto', explicit: ['accelerator'] }), WORLD)
        .accelerator,
    ).toBe('wasm')
  })

  it('compares normalised values, so two spellings of one thing agree', () => {
    const config = flags({ accelerator: 'webgpu', precision: '32', explicit: ['accelerator', 'precision'] })
    expect(resolveOptions({ accelerator: 'CUDA', precision: '32-true' }, config, WORLD)).toMatchObject({
      accelerator: 'webgpu',
    })
  })

  it('refuses a conflict, naming option and both values', () => {
    const config = flags({ accelerator: 'wasm', explicit: ['accelerator'] })
    expect(() => resolveOptions({ accelerator: 'cpu' }, config, WORLD)).toThrow(
      /accelerator is cpu .* wasm on the command line.*Remove one/,
    )
    const two = flags({ explicit: ['devices'] })
    expect(() => resolveOptions({ devices: 4 }, two, WORLD)).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
  })

  it('reads devices as counts and lists, and says what is missing', () => {
    expect(() => resolveOptions({ devices: '2' }, flags(), WORLD)).not.toThrow()
    expect(() => resolveOptions({ devices: [0, 1] }, flags(), WORLD)).not.toThrow()
    expect(() => resolveOptions({ devices: 'auto' }, flags(), WORLD)).not.toThrow()
    expect(() => resolveOptions({ devices: 3 }, flags(), WORLD)).toThrow(
      expect.objectContaining({ code: 'NOT_ENOUGH_DEVICES' }),
    )
    for (const bad of [0, '0', [], 'x', 1.5]) {
      expect(() => resolveOptions({ devices: bad as number }, flags(), WORLD)).toThrow(
        expect.objectContaining({ code: 'BAD_DEVICES' }),
      )
    }
  })

  it.each([0, 1.5, '2', -1])('refuses numNodes %j', (numNodes) => {
    expect(() => resolveOptions({ numNodes: numNodes as number }, flags(), WORLD)).toThrow(/at least 1/)
  })

  it('lists the known names for an unknown strategy or precision', () => {
    expect(() => resolveOptions({ strategy: 'ring' }, flags(), WORLD)).toThrow(/ddp, ddp_find_unused/)
    expect(() => resolveOptions({ precision: '8' }, flags(), WORLD)).toThrow(/32-true/)
    expect(() => resolveOptions({ precision: 64 }, flags(), WORLD)).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED' }),
    )
  })

  it('turns find_unused_parameters_true into the option', () => {
    const { strategy } = resolveOptions({ strategy: 'DDP_find_unused_parameters_true' }, flags(), WORLD)
    expect(strategy).toMatchObject({ name: 'ddp', options: { findUnusedParameters: true } })
  })
})

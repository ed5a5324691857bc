/** The progress bar and the summary of a model: what is told, by whom, and what switches it off. */

import { tf } from '@rondo/engine'
import type { RankEvent } from '@rondo/protocol'
import { describe, expect, it, vi } from 'vitest'
import { RondoModule } from '../module/module.ts'
import type { TrainerOptions } from '../options/options.ts'
import { Line, lineLoader, onRanks } from '../testing/line.ts'
import { Trainer } from '../trainer.ts'
import { describeModel, ModelSummary } from './model-summary/model-summary.ts'
import { ProgressBar } from './progress-bar.ts'

type Bar = Extract<RankEvent, { kind: 'bar' }>

class Shown extends Line {
  override trainingStep(batch: tf.Tensor[], index?: number): tf.Tensor {
    this.log('number', index ?? 0, { progBar: true })
    this.log('hidden', 1)
    return super.trainingStep(batch)
  }
  override validationStep(): void {
    this.log('val_score', this.currentEpoch === 1 ? Number.NaN : 0.5, { progBar: true })
  }
}

const bars = (options: TrainerOptions, ranks = 1): Promise<Bar[][]> =>
  onRanks(
    ranks,
    async (trainer, { events }) => {
      await trainer.fit(new Shown(), lineLoader(16), lineLoader(4))
      return events.filter((event): event is Bar => event.kind === 'bar')
    },
    { maxEpochs: 2, ...options },
  )

describe('ProgressBar', () => {
  it('is there by default, and tells on rank 0 alone what is logged for it', async () => {
    const [zero, one] = await bars({}, 2)
    expect(one).toEqual([])
    expect(zero?.[0]).toMatchObject({ shown: true, leave: true, epoch: 0, epochDone: false, values: {} })
    const ends = zero?.filter(({ epochDone }) => epochDone)
    expect(ends).toEqual([
      { kind: 'bar', shown: true, leave: true, epoch: 0, epochDone: true, values: { number: 1, val_score: 0.5 } },
      { kind: 'bar', shown: true, leave: true, epoch: 1, epochDone: true, values: { number: 1, val_score: null } },
    ])
  })

  it('updates after so many batches', async () => {
    let now = 0
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 1_000))
    const numbers = async (refreshRate: number): Promise<unknown[]> => {
      const [told] = await bars({ callbacks: new ProgressBar({ refreshRate }), maxEpochs: 1 })
      return told?.filter(({ epochDone }) => !epochDone).map(({ values }) => values['number']) ?? []
    }
    expect(await numbers(1)).toEqual([undefined, 0, 1, 2, 3])
    expect(await numbers(3)).toEqual([undefined, 2])
    clock.mockRestore()
  })

  it('is off with enableProgressBar: false and with refreshRate 0, and says so', async () => {
    for (const options of [{ enableProgressBar: false }, { callbacks: new ProgressBar({ refreshRate: 0 }) }]) {
      const [told] = await bars(options)
      expect(told).toEqual([expect.objectContaining({ shown: false, values: {} })])
    }
    const [leaves] = await bars({ callbacks: new ProgressBar({ leave: false }) })
    expect(leaves?.every(({ leave }) => !leave)).toBe(true)
  })

  it('refuses what is no option, a second bar, and one that is switched off', () => {
    expect(() => new ProgressBar({ refreshRate: -1 })).toThrow(/refreshRate: -1.*0 for no bar/)
    expect(() => new ProgressBar({ leave: 1 as never })).toThrow(/leave: 1/)
    expect(() => new ProgressBar({ theme: {} } as never)).toThrow(/theme.*refreshRate/)
    const two = [new ProgressBar(), new ProgressBar()]
    expect(() => new Trainer({ callbacks: two })).toThrow(/2 of ProgressBar/)
    expect(() => new Trainer({ enableProgressBar: false, callbacks: new ProgressBar() })).toThrow(/enableProgressBar/)
  })
})

class Deep extends RondoModule {
  inner = new Line()
  blocks = [tf.layers.dense({ inputShape: [3], units: 2 })]
  net = tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [3], units: 4, name: 'a' }),
      tf.layers.batchNormalization(),
      tf.layers.dropout({ rate: 0.5 }),
    ],
  })
  scale = tf.variable(tf.zeros([7]))
  constructor() {
    super()
    this.blocks[0]?.build([null, 3])
    this.registerBuffer('seen', tf.zeros([2]))
  }
}

describe('ModelSummary', () => {
  it('shows fields, types, parameters and shapes', () => {
    const table = describeModel(new Deep(), 1)
    expect(table.split('\n')[0]).toBe('Deep')
    expect(table).toMatch(/ name +\| type +\| params \| in sizes \| out sizes/)
    expect(table).toMatch(/0 \| inner +\| Line +\| +2 \|/)
    expect(table).toMatch(/1 \| blocks\[0\] \| Dense +\| +8 \|/)
    expect(table).toMatch(/2 \| net +\| Sequential \| +32 \| \[\?, 3\] +\| \[\?, 4\]/)
    expect(table).toMatch(/3 \| scale +\| Variable +\| +7 \| +\| \[7\]/)
    expect(table).toMatch(/41 trainable params\n +10 non-trainable params\n +51 total params\n0\.000 MB of params/)
    expect(table).not.toContain('layers[0]')
  })

  it('shows as many levels as it is told', () => {
    expect(describeModel(new Deep(), 2)).toMatch(/ {2}net\.layers\[1\] +\| BatchNormalization \| +16 \| \[\?, 4\]/)
    expect(describeModel(new Deep(), 2)).toMatch(/ {2}inner\.net +\| Sequential/)
    expect(describeModel(new Deep(), 2)).not.toContain('inner.net.layers[0]')
    expect(describeModel(new Deep(), -1)).toContain('    inner.net.layers[0]')
    expect(describeModel(new RondoModule(), 1)).toMatch(/RondoModule\n +0 trainable params/)
  })

  it('prints once on rank 0, by default too, and not when switched off', async () => {
    const say = vi.spyOn(console, 'info').mockImplementation(() => {})
    const tables = async (options: TrainerOptions): Promise<number> => {
      say.mockClear()
      await onRanks(2, (trainer) => trainer.fit(new Line(), lineLoader(8)), { enableModelSummary: true, ...options })
      return say.mock.calls.filter(([line]) => String(line).includes('trainable params')).length
    }
    expect(await tables({})).toBe(1)
    expect(await tables({ callbacks: new ModelSummary({ maxDepth: -1 }) })).toBe(1)
    expect(await tables({ callbacks: new ModelSummary({ maxDepth: 0 }) })).toBe(0)
    expect(await tables({ enableModelSummary: false })).toBe(0)
    say.mockRestore()
  })

  it('refuses a depth that is none, and one that is switched off', () => {
    expect(() => new ModelSummary({ maxDepth: -2 })).toThrow(/maxDepth: -2.*−1 all levels/)
    expect(() => new ModelSummary({ max_depth: 1 } as never)).toThrow(/max_depth/)
    expect(() => new Trainer({ enableModelSummary: false, callbacks: new ModelSummary() })).toThrow(
      /enableModelSummary/,
    )
  })
})

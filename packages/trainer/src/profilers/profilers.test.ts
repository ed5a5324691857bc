/** Profilers: what the tables hold, one of one's own, and where reports go. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Callback } from '../callbacks/callback.ts'
import { Line, lineLoader, onRanks } from '../testing/line.ts'
import { AdvancedProfiler } from './advanced.ts'
import { Profiler } from './profiler.ts'
import { SimpleProfiler } from './simple.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** What a fit with this profiler printed and wrote. */
async function fitWith(profiler: 'simple' | 'advanced' | object, ranks = 1) {
  const lines: string[] = []
  vi.spyOn(console, 'info').mockImplementation((line: unknown) => void lines.push(String(line)))
  class Watching extends Callback {
    override onTrainEpochEnd(): void {}
  }
  const files = await onRanks(
    ranks,
    async (trainer, { context }) => {
      const written = new Map<string, string>()
      context.files.write = async (name, bytes) => void written.set(name, new TextDecoder().decode(bytes))
      await trainer.fit(new Line(), lineLoader(8 * ranks), lineLoader(4 * ranks))
      return written
    },
    { profiler, callbacks: new Watching(), numSanityValSteps: 0 },
  )
  return { text: lines.join('\n'), files: files[0] ?? new Map<string, string>() }
}

describe('simple', () => {
  it('lists actions with calls, mean, total and share, in the terminal and the run’s folder', async () => {
    const { text, files } = await fitWith('simple')
    const report = files.get('fit-profile.txt') ?? ''
    expect(text).toContain(report)
    expect(report).toMatch(/Action +Mean duration \(s\) +Num calls +Total time \(s\) +Percentage %/)
    const calls = (action: string): number => {
      const line = report.split('\n').find((row) => row.startsWith(`${action} `)) ?? ''
      return Number(line.slice(action.length).trim().split(/ +/)[1])
    }
    expect(calls('runTrainingEpoch')).toBe(1)
    expect(calls('runTrainingBatch')).toBe(2)
    expect(calls('backward')).toBe(2)
    expect(calls('optimizerStep')).toBe(2)
    expect(calls('[RondoModule]Line.trainingStep')).toBe(2)
    expect(calls('[RondoModule]Line.validationStep')).toBe(1)
    expect(calls('[Callback]Watching.onTrainEpochEnd')).toBe(1)
    expect(report).not.toContain('Line.onTrainStart')
  })

  it('adds up times of a clock, the longest first', () => {
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => now)
    const profiler = new SimpleProfiler()
    profiler.setup('fit')
    for (const [action, ms] of [
      ['a', 100],
      ['b', 300],
      ['a', 200],
    ] as const) {
      profiler.profile(action, () => {
        now += ms
      })
    }
    now += 400
    expect(profiler.actions()).toEqual([
      { action: 'a', calls: 2, mean: 0.15, total: 0.3, percent: 30 },
      { action: 'b', calls: 1, mean: 0.3, total: 0.3, percent: 30 },
    ])
  })

  it('is written by rank 0 alone', async () => {
    const { text } = await fitWith('simple', 2)
    expect(text.match(/Profiler report/g)).toHaveLength(1)
  })
})

it('advanced also lists kernels, with the same weights as without', async () => {
  const profiler = new AdvancedProfiler({ dirpath: 'reports', filename: 'kernels' })
  const { files } = await fitWith(profiler)
  expect(files.get('reports/fit-kernels.txt')).toMatch(/Kernel +Num calls +Mean \(ms\)/)
  const totals = profiler.kernelTotals()
  const product = totals.find(({ kernel }) => /MatMul/.test(kernel))
  expect(product?.calls).toBeGreaterThanOrEqual(2)
  expect(product?.bytes).toBeGreaterThan(0)
  const trained = (options: object) =>
    onRanks(
      1,
      async (trainer) => {
        const module = new Line()
        await trainer.fit(module, lineLoader(8))
        return module.weights()
      },
      options,
    )
  expect(await trained({ profiler: 'advanced' })).toEqual(await trained({}))
})

describe('one of one’s own', () => {
  it('extends Profiler, or only has start and stop', async () => {
    const seen: string[] = []
    class Own extends Profiler {
      override start(action: string): void {
        seen.push(`+${action}`)
      }
      override stop(action: string): void {
        seen.push(`-${action}`)
      }
      override summary(): string {
        return 'own report'
      }
    }
    const { text, files } = await fitWith(new Own())
    expect(text).toContain('own report')
    expect(files.get('fit-profile.txt')).toBe('own report')
    expect(seen.filter((entry) => entry.endsWith('optimizerStep'))).toEqual([
      ...['+optimizerStep', '-optimizerStep', '+optimizerStep', '-optimizerStep'],
    ])
    const plain = {
      count: 0,
      start() {
        this.count += 1
      },
      stop() {},
    }
    await fitWith(plain)
  })

  it('without them is refused, naming what lacks', async () => {
    await expect(fitWith({ start() {} })).rejects.toThrow(/without stop\(action\)/)
  })
})

/** ModelCheckpoint: when it saves, what stays, what it is called, what it refuses; one decision for all ranks. */
import type { tf } from '@rondo/engine'
import { describe, expect, it, vi } from 'vitest'
import type { TrainerOptions } from '../options/options.ts'
import { Line, lineLoader, onRanks } from '../testing/line.ts'
import { Trainer } from '../trainer.ts'
import { ModelCheckpoint } from './model-checkpoint.ts'
import type { ModelCheckpointOptions } from './model-checkpoint-options.ts'

/** Validation gives these values, one an epoch; other ranks than 0 shout another one. */
class Scripted extends Line {
  readonly values: readonly number[]
  constructor(values: readonly number[]) {
    super()
    this.values = values
  }
  override validationStep(): void {
    const value = this.values[this.currentEpoch] ?? 0
    this.log('score', this.globalRank === 0 ? value : -value, { syncDist: false })
  }
}

/** Fits on 8 samples (2 batches an epoch on one rank) with a checkpoint; what is left of it, by rank. */
const fitted = (
  values: readonly number[],
  options: ModelCheckpointOptions,
  ranks = 1,
  trainerOptions: TrainerOptions = {},
) =>
  onRanks(
    ranks,
    async (trainer, { context }) => {
      const checkpoint = new ModelCheckpoint(options)
      trainer.callbacks.push(checkpoint)
      const module = new Scripted(values)
      await trainer.fit(module, lineLoader(8), lineLoader(4))
      const files = (await context.files.list?.('checkpoints'))?.sort() ?? []
      return { checkpoint, trainer, module, files }
    },
    { maxEpochs: values.length, enableCheckpointing: true, ...trainerOptions },
  )

describe('which checkpoints are kept', () => {
  it('the k best, NaN being the worst, and the last, the same on all ranks', async () => {
    const options = { monitor: 'score', saveTopK: 2, saveLast: true, filename: '{epoch}-{score:.1f}' }
    const results = await fitted([3, Number.NaN, 1, 2, 5], options, 4)
    for (const { checkpoint, files } of results) {
      expect(files).toEqual(['epoch=2-score=1.0.ckpt', 'epoch=3-score=2.0.ckpt', 'last.ckpt'])
      expect(checkpoint.bestKModels).toEqual({
        'checkpoints/epoch=2-score=1.0.ckpt': 1,
        'checkpoints/epoch=3-score=2.0.ckpt': 2,
      })
      expect(checkpoint).toMatchObject({
        bestModelPath: 'checkpoints/epoch=2-score=1.0.ckpt',
        bestModelScore: 1,
        kthValue: 2,
        lastModelPath: 'checkpoints/last.ckpt',
      })
    }
  })

  it('all with saveTopK −1, none with 0, and the newest without monitor', async () => {
    const [all] = await fitted([2, 3, 1], { monitor: 'score', saveTopK: -1 })
    expect(all?.files).toHaveLength(3)
    const [none] = await fitted([2, 3, 1], { monitor: 'score', saveTopK: 0 })
    expect(none).toMatchObject({ files: [], checkpoint: { bestModelPath: '' } })
    const [newest] = await fitted([2, 3, 1], {})
    expect(newest?.files).toEqual(['epoch=2-step=6.ckpt'])
    expect(newest?.checkpoint.bestModelPath).toBe('checkpoints/epoch=2-step=6.ckpt')
    const [largest] = await fitted([2, 3, 1], { monitor: 'score', mode: 'max', filename: '{epoch}' })
    expect(largest?.files).toEqual(['epoch=1.ckpt'])
  })

  it('under names of their own: -v1 where one is taken, unless told to write over it', async () => {
    const [counted] = await fitted([2, 3, 1], { monitor: 'score', saveTopK: -1, filename: 'same' })
    expect(counted?.files).toEqual(['same-v1.ckpt', 'same-v2.ckpt', 'same.ckpt'])
    const [over] = await fitted([2, 3, 1], { filename: 'same', enableVersionCounter: false })
    expect(over?.files).toEqual(['same.ckpt'])
    const [reused] = await fitted([2, 3, 1], { filename: 'same' })
    expect(reused?.files).toEqual(['same.ckpt'])
  })

  it('as weights only, when told so', async () => {
    const [only] = await fitted([1], { saveWeightsOnly: true, filename: 'w' })
    const again = only?.trainer as Trainer
    await expect(again.fit(new Scripted([1]), lineLoader(8), { ckptPath: 'checkpoints/w.ckpt' })).rejects.toThrow(
      /weights only/,
    )
  })

  it('the best of which test loads, not the last', async () => {
    const results = await fitted([1, 2, 3], { monitor: 'score', filename: 'best' }, 2)
    const { checkpoint, trainer, module } = results[0] as (typeof results)[number]
    const after = module.weights()
    const test = (ckptPath: string) =>
      Promise.allSettled(results.map((result) => result.trainer.test(result.module, lineLoader(8), { ckptPath })))
    const tested = await test('best')
    expect(tested.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])
    expect(module.weights()).not.toEqual(after)
    expect(results[1]?.module.weights()).toEqual(module.weights())
    for (const outcome of await test('last')) {
      expect(String((outcome as PromiseRejectedResult).reason)).toMatch(/saveLast: true/)
    }
    expect(trainer.checkpointCallback).toBe(checkpoint)
  })
})

describe('when it saves', () => {
  const saved = async (options: ModelCheckpointOptions, more: TrainerOptions = {}, values = [2, 3, 1]) =>
    (await fitted(values, { saveTopK: -1, filename: '{step}', ...options }, 1, more))[0]?.files

  it('by steps, by epochs, never, and the last at each end of an epoch', async () => {
    expect(await saved({ everyNTrainSteps: 1 })).toHaveLength(6)
    expect(await saved({ everyNTrainSteps: 4, monitor: 'train_loss' })).toEqual(['step=4.ckpt'])
    expect(await saved({ everyNEpochs: 2 })).toEqual(['step=4.ckpt'])
    expect(await saved({ everyNEpochs: 0 })).toEqual([])
    expect(await saved({ everyNEpochs: 2, saveLast: true })).toEqual(['last.ckpt', 'step=4.ckpt'])
    expect(await saved({}, { fastDevRun: 1 })).toEqual([])
  })

  it('after validation, where that is not at the end of each epoch', async () => {
    const [half] = await fitted([5, 4], { monitor: 'score', saveTopK: -1, filename: '{step}' }, 1, {
      valCheckInterval: 0.5,
    })
    expect(half?.files).toEqual(['step=1.ckpt', 'step=2.ckpt', 'step=3.ckpt', 'step=4.ckpt'])
    expect(await saved({ saveOnTrainEpochEnd: false }, { checkValEveryNEpoch: 2 })).toEqual(['step=4.ckpt'])
    expect(await saved({ saveOnTrainEpochEnd: true }, { checkValEveryNEpoch: 2 })).toHaveLength(3)
  })

  it('by time, which rank 0 tells', async () => {
    // Each look at the clock takes 20 minutes.
    let now = 0
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 1_200_000))
    try {
      const results = await fitted([1, 2], { trainTimeInterval: '00:01:00:00', saveTopK: -1, filename: '{step}' }, 2)
      expect(results[0]?.files.length).toBeGreaterThan(0)
      expect(results[1]?.checkpoint.bestModelPath).toBe(results[0]?.checkpoint.bestModelPath)
      const [never] = await fitted([1, 2], { trainTimeInterval: { days: 90 } })
      expect(never?.files).toEqual([])
    } finally {
      clock.mockRestore()
    }
  })

  it('by steps on ranks whose data ends before the others’, by the value of all ranks', async () => {
    class Synced extends Line {
      override trainingStep(batch: tf.Tensor[]): tf.Tensor {
        this.log('shared', this.globalRank * 10 + this.globalStep, { syncDist: true })
        return super.trainingStep(batch)
      }
    }
    const scores = await onRanks(
      2,
      async (trainer, { context }) => {
        const options = { everyNTrainSteps: 1, monitor: 'shared', saveTopK: -1, filename: '{step}' }
        trainer.callbacks.push(new ModelCheckpoint(options))
        await trainer.fit(new Synced(), lineLoader(context.group.rank === 0 ? 4 : 12))
        return trainer.checkpointCallback?.bestKModels
      },
      { useDistributedSampler: false, enableCheckpointing: true },
    )
    // Rank 0 has one batch, rank 1 three.
    const kept = { 'checkpoints/step=1.ckpt': 5, 'checkpoints/step=2.ckpt': 11, 'checkpoints/step=3.ckpt': 12 }
    expect(scores).toEqual([kept, kept])
  })

  it('when training ends by an error, if told so', async () => {
    class Failing extends Scripted {
      override onTrainBatchStart(): void {
        if (this.globalStep === 3) throw new RangeError('diverged')
      }
    }
    const say = vi.spyOn(console, 'info').mockImplementation(() => {})
    const files = await onRanks(
      1,
      async (trainer, { context }) => {
        trainer.callbacks.push(new ModelCheckpoint({ saveOnException: true, saveTopK: -1, filename: '{epoch}-{step}' }))
        await expect(trainer.fit(new Failing([1, 1, 1]), lineLoader(8))).rejects.toThrow('diverged')
        const again = new Trainer({ maxEpochs: 3, enableModelSummary: false })
        again.context = context
        await again.fit(new Line(), lineLoader(8), { ckptPath: 'checkpoints/epoch=1-step=3.ckpt' })
        expect(again.globalStep).toBe(6)
        return context.files.list?.('checkpoints')
      },
      { maxEpochs: 3, enableCheckpointing: true },
    )
    expect(files[0]).toContain('epoch=1-step=3.ckpt')
    expect(say).toHaveBeenCalledWith(expect.stringMatching(/RangeError.*epoch=1-step=3/))
    say.mockRestore()
  })
})

describe('last.ckpt', () => {
  it('links to the newest checkpoint with "link", and is a copy where there are no links', async () => {
    const options = { monitor: 'score', saveLast: 'link', filename: '{epoch}' } as const
    const say = vi.spyOn(console, 'info').mockImplementation(() => {})
    const links: string[] = []
    const run = (withLinks: boolean) =>
      onRanks(
        2,
        async (trainer, { context }) => {
          const { link, read } = context.files
          if (!withLinks) delete context.files.link
          else
            context.files.link = async (name, target) => {
              links.push(`${name} → ${target}`)
              await link?.(name, target)
            }
          const checkpoint = new ModelCheckpoint(options)
          trainer.callbacks.push(checkpoint)
          await trainer.fit(new Scripted([3, 1, 2]), lineLoader(8), lineLoader(4))
          const [last, best] = await Promise.all([read('checkpoints/last.ckpt'), read(checkpoint.bestModelPath)])
          expect(last).toEqual(best)
          return checkpoint
        },
        { maxEpochs: 3, enableCheckpointing: true },
      )
    const [, second] = await run(true)
    expect(second).toMatchObject({
      lastModelPath: 'checkpoints/last.ckpt',
      bestModelPath: 'checkpoints/epoch=1.ckpt',
    })
    const first = 'checkpoints/last.ckpt → checkpoints/epoch=0.ckpt'
    const newest = 'checkpoints/last.ckpt → checkpoints/epoch=1.ckpt'
    expect([...new Set(links)]).toEqual([first, newest])
    await run(false)
    expect(say).toHaveBeenCalledWith(expect.stringContaining('is a copy of checkpoints/epoch=1.ckpt'))
    say.mockRestore()
  })

  it('is the state of now where nothing else is saved', async () => {
    const [result] = await fitted([1, 2], { saveTopK: 0, saveLast: 'link' })
    expect(result?.files).toEqual(['last.ckpt'])
  })
})

describe('the folder', () => {
  it('is the first logger’s own where it has one, else that of the trainer, as rank 0 says', async () => {
    const logger = (folder: string) =>
      ({ name: '', version: 0, logDir: folder, logMetrics() {}, logHyperparams() {}, save: async () => {} }) as never
    const folders = await onRanks(
      2,
      async (trainer, { context }) => {
        const { rank } = context.group
        const own = new Trainer({ logger: logger(`logs/v${rank}`), maxEpochs: 1, enableModelSummary: false })
        own.context = context
        own.callbacks.push(new ModelCheckpoint())
        await own.fit(new Line(), lineLoader(8))
        const rooted = new ModelCheckpoint()
        trainer.callbacks.push(rooted)
        await trainer.fit(new Line(), lineLoader(8))
        return [own.checkpointCallback?.dirpath, rooted.dirpath]
      },
      { enableCheckpointing: true, defaultRootDir: 'mine' },
    )
    expect(folders).toEqual([
      ['logs/v0/checkpoints', 'mine/checkpoints'],
      ['logs/v0/checkpoints', 'mine/checkpoints'],
    ])
  })

  it('is warned about when it is not empty, once, on rank 0', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    await onRanks(
      2,
      async (trainer, { context }) => {
        if (context.group.rank === 0) await context.files.write('mine/old.ckpt', Uint8Array.of(1))
        await trainer.gather('written')
        trainer.callbacks.push(new ModelCheckpoint({ dirpath: 'mine/' }))
        await trainer.fit(new Line(), lineLoader(8))
      },
      { enableCheckpointing: true },
    )
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/mine, is not empty: old\.ckpt/))
    warn.mockRestore()
  })

  it('says which of two checkpoints a state belongs to, and takes only the best of another folder', async () => {
    const loss = new ModelCheckpoint({ monitor: 'loss' })
    const accuracy = new ModelCheckpoint({ monitor: 'accuracy', mode: 'max' })
    expect(loss.stateKey).not.toBe(accuracy.stateKey)
    const [source] = await fitted([2, 1], { monitor: 'score', saveTopK: 2, saveLast: true })
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const [other] = await fitted([5], { monitor: 'score', saveTopK: 2, dirpath: 'other' })
    const before = { ...other?.checkpoint.bestKModels }
    other?.checkpoint.loadStateDict(source?.checkpoint.stateDict() ?? {})
    expect(other?.checkpoint.bestKModels).toEqual(before)
    expect(other?.checkpoint.bestModelPath).toBe(source?.checkpoint.bestModelPath)
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('other'))
    warn.mockRestore()
  })
})

it('says with verbose what was decided', async () => {
  const say = vi.spyOn(console, 'info').mockImplementation(() => {})
  await fitted([2, 3], { monitor: 'score', verbose: true, filename: '{epoch}' })
  const lines = say.mock.calls.map(([line]) => String(line))
  expect(lines).toContain('Epoch 0, global step 2: score is 2 (best 2), saved as checkpoints/epoch=0.ckpt, top 1.')
  expect(lines).toContain('Epoch 1, global step 4: score is 3, not among the best 1 (best 2, worst kept 2).')
  say.mockRestore()
})

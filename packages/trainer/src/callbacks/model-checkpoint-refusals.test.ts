/** What ModelCheckpoint refuses, and what happens when one rank does not do as the others do. */
import { describe, expect, it, vi } from 'vitest'
import { Line, lineLoader, onRanks } from '../testing/line.ts'
import { Trainer } from '../trainer.ts'
import { ModelCheckpoint } from './model-checkpoint.ts'
import type { ModelCheckpointOptions } from './model-checkpoint-options.ts'

describe('options', () => {
  it.each<[RegExp, ModelCheckpointOptions]>([
    [/saveTopK: -2.*at least −1/, { saveTopK: -2 }],
    [/saveTopK: 1.5/, { saveTopK: 1.5 }],
    [/everyNEpochs: -1.*at least 0/, { everyNEpochs: -1 }],
    [/everyNTrainSteps: -5.*at least 0/, { everyNTrainSteps: -5 }],
    [/everyNTrainSteps: 2, everyNEpochs: 1.*one of the three/, { everyNTrainSteps: 2, everyNEpochs: 1 }],
    [/everyNEpochs: 1, trainTimeInterval: "00:00:01:00"/, { everyNEpochs: 1, trainTimeInterval: '00:00:01:00' }],
    [/saveTopK: 3.*Set monitor/, { saveTopK: 3 }],
    [/"min" and "max"/, { mode: 'low' as never }],
    [/trainTimeInterval.*DD:HH:MM:SS/, { trainTimeInterval: 5 as never }],
    [/trainTimeInterval.*more than no time/, { trainTimeInterval: { seconds: 0 } }],
    [/saveLast: "copy".*"link"/, { saveLast: 'copy' as never }],
    [/verbose: 1.*true or false/, { verbose: 1 as never }],
    [/monitor: 3.*a text/, { monitor: 3 as never }],
    [/save_last.*saveLast/, { save_last: true } as never],
    [/filename.*braces/, { filename: '{epoch' }],
  ])('refuses %s', (message, options) => {
    expect(() => new ModelCheckpoint(options)).toThrow(message)
  })

  it('may set a trigger to 0 beside another one', () => {
    expect(() => new ModelCheckpoint({ everyNTrainSteps: 0, everyNEpochs: 2 })).not.toThrow()
    expect(new ModelCheckpoint().options).toMatchObject({
      saveTopK: 1,
      mode: 'min',
      everyNEpochs: 1,
      everyNTrainSteps: 0,
      saveLast: false,
      saveWeightsOnly: false,
      autoInsertMetricName: true,
      enableVersionCounter: true,
      saveOnException: false,
      verbose: false,
      filename: '{epoch}-{step}',
    })
  })

  it('refuses a trainer that may not save', () => {
    const callbacks = new ModelCheckpoint()
    expect(() => new Trainer({ enableCheckpointing: false, callbacks })).toThrow(/enableCheckpointing/)
  })
})

describe('the monitored value', () => {
  const watching = (ranks: number, module: () => Line, options: ModelCheckpointOptions, stepTimeoutMs = 10_000) =>
    onRanks(
      ranks,
      async (trainer) => {
        trainer.callbacks.push(new ModelCheckpoint(options))
        const fit = trainer.fit(module(), lineLoader(8), lineLoader(8))
        const error = await fit.then(
          () => null,
          (thrown: unknown) => thrown as Error,
        )
        return { error, trainer }
      },
      { maxEpochs: 2, enableCheckpointing: true, numSanityValSteps: 0 },
      { stepTimeoutMs },
    )

  it('is refused when validation ran without it, with what is there', async () => {
    const [result] = await watching(1, () => new Line(), { monitor: 'nothing' })
    expect(result?.error?.message).toMatch(/"nothing".*Present are.*val_loss.*Was it logged/)
  })

  it('is only warned about before validation ran', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const options = { monitor: 'val_loss', everyNTrainSteps: 1 }
    const [result] = await watching(1, () => new Line(), options)
    expect(result?.error).toBeNull()
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('"val_loss" is not there yet'))
    expect(result?.trainer.checkpointCallback?.bestModelScore).toBeGreaterThan(0)
    warn.mockRestore()
  })

  it('is refused when only rank 0 has it by its own wish', async () => {
    class OnlyZero extends Line {
      override validationStep(): void {
        this.log('mine', 1, { rankZeroOnly: true })
      }
    }
    const [result] = await watching(1, () => new OnlyZero(), { monitor: 'mine' })
    expect(result?.error?.message).toMatch(/rankZeroOnly/)
  })

  it.each([2, 4])('is refused on all of %i ranks when one logs another key, naming that rank', async (ranks) => {
    class Odd extends Line {
      override validationStep(): void {
        this.log(this.globalRank === ranks - 1 ? 'scroe' : 'score', 1, { syncDist: false })
      }
    }
    const results = await watching(ranks, () => new Odd(), { monitor: 'score' })
    for (const { error } of results) {
      expect(error?.message).toMatch(new RegExp(`no such value on rank ${ranks - 1}. Present are .*scroe`))
    }
  })

  it('may come late on one rank: the others wait for it', async () => {
    class Late extends Line {
      override async onValidationEnd(): Promise<void> {
        if (this.globalRank === 1) await new Promise((resolve) => setTimeout(resolve, 150))
      }
    }
    const results = await watching(2, () => new Late(), { monitor: 'val_loss' })
    expect(results.map(({ error }) => error)).toEqual([null, null])
    expect(results[1]?.trainer.checkpointCallback?.bestModelPath).toBe(
      results[0]?.trainer.checkpointCallback?.bestModelPath,
    )
  })

  it('is an error with a name when a rank dies in the decision, and the files are whole', async () => {
    const outcomes = await onRanks(
      3,
      async (trainer, { context }) => {
        const checkpoint = new ModelCheckpoint({ monitor: 'val_loss', saveTopK: -1, filename: '{epoch}' })
        trainer.callbacks.push(checkpoint)
        class Dying extends Line {
          override onTrainEpochEnd(): void {
            if (this.globalRank === 2 && this.currentEpoch === 1) throw new Error('the tab is gone')
          }
        }
        const error = await trainer.fit(new Dying(), lineLoader(12), lineLoader(12)).catch((thrown: Error) => {
          context.group.abort(thrown)
          return thrown
        })
        const names = (await context.files.list?.('checkpoints')) ?? []
        const again = new Trainer({ maxEpochs: 1, enableModelSummary: false })
        again.context = context
        return { error, names, bytes: await context.files.read('checkpoints/epoch=0.ckpt') }
      },
      { maxEpochs: 3, enableCheckpointing: true },
      { stepTimeoutMs: 2_000 },
    )
    for (const { error, names, bytes } of outcomes) {
      expect(String(error)).toMatch(/the tab is gone/)
      expect(names).toEqual(['epoch=0.ckpt'])
      expect(bytes.byteLength).toBeGreaterThan(100)
    }
  })

  it('is an error within the deadline when a rank never comes to the decision', async () => {
    const gone = new AbortController()
    const outcomes = await onRanks(
      2,
      async (trainer, { context }) => {
        const { rank } = context.group
        trainer.callbacks.push(new ModelCheckpoint({ monitor: 'val_loss' }))
        class Hanging extends Line {
          override async onTrainEpochEnd(): Promise<void> {
            if (this.globalRank === 1) {
              await new Promise((resolve) => gone.signal.addEventListener('abort', resolve, { once: true }))
            }
          }
        }
        const error = await trainer.fit(new Hanging(), lineLoader(8), lineLoader(8)).then(
          () => null,
          (thrown: unknown) => thrown as Error,
        )
        if (rank === 0) gone.abort()
        return error
      },
      { maxEpochs: 1, enableCheckpointing: true },
      { stepTimeoutMs: 600 },
    )
    expect(outcomes[0]?.message).toMatch(/rank 1/)
    expect(outcomes[1]).not.toBeNull()
  })
})

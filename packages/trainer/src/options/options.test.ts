/** Arguments: defaults, every refusal, fractions and counts of batches. */
import { describe, expect, it } from 'vitest'
import { TRAINER_ARGUMENTS } from './arguments.ts'
import { parseDuration } from './duration.ts'
import { limitOf, validationInterval } from './limits.ts'
import { readTrainerOptions, type TrainerOptions } from './options.ts'
import type { ResolvedTrainerOptions } from './types.ts'

const resolveTrainerOptions = (options: TrainerOptions): ResolvedTrainerOptions => readTrainerOptions(options).resolved

describe('defaults', () => {
  it("are Lightning's", () => {
    expect(resolveTrainerOptions({})).toEqual({
      logger: true,
      fastDevRun: 0,
      maxEpochs: 1000,
      minEpochs: 0,
      maxSteps: Number.POSITIVE_INFINITY,
      minSteps: 0,
      maxTimeMs: Number.POSITIVE_INFINITY,
      limits: { train: 1, validate: 1, test: 1, predict: 1 },
      overfitBatches: 0,
      valCheckInterval: 1,
      checkValEveryNEpoch: 1,
      numSanityValSteps: 2,
      logEveryNSteps: 50,
      accumulateGradBatches: 1,
      useDistributedSampler: true,
      exactEvaluation: true,
      gradientAverage: 'weighted',
      defaultRootDir: '',
      enableCheckpointing: true,
      enableModelSummary: true,
      enableProgressBar: true,
      gradientClipVal: null,
      gradientClipAlgorithm: 'norm',
      deterministic: false,
      benchmark: false,
      inferenceMode: true,
      profiler: null,
      detectAnomaly: false,
      barebones: false,
      syncBatchnorm: false,
      balanceBatches: false,
      reloadDataloadersEveryNEpochs: 0,
      plugins: [],
      autoSelect: null,
      resumeFromCheckpoint: null,
    })
  })

  it('have no end of epochs where steps or time end training', () => {
    expect(resolveTrainerOptions({ maxSteps: 10 })).toMatchObject({ maxSteps: 10, maxEpochs: Number.POSITIVE_INFINITY })
    expect(resolveTrainerOptions({ maxTime: '00:00:01:00' })).toMatchObject({ maxTimeMs: 60_000, maxEpochs: Infinity })
    expect(resolveTrainerOptions({ maxEpochs: -1 }).maxEpochs).toBe(Infinity)
  })

  it('of a fastDevRun switch everything off that leaves a trace', () => {
    expect(resolveTrainerOptions({ fastDevRun: 3, maxEpochs: 9 })).toMatchObject({
      fastDevRun: 3,
      maxEpochs: 1,
      maxSteps: 3,
      logger: false,
      enableCheckpointing: false,
      numSanityValSteps: 0,
    })
  })
})

describe('refusals', () => {
  it.each<[string, RegExp, object]>([
    ['BAD_ARGUMENT', /checkValEveryNEpoch: 1.5/, { checkValEveryNEpoch: 1.5 }],
    ['BAD_ARGUMENT', /checkValEveryNEpoch: 0/, { checkValEveryNEpoch: 0 }],
    ['BAD_ARGUMENT', /DD:HH:MM:SS/, { maxTime: 'soon' }],
    ['BAD_ARGUMENT', /"norm" or "value"/, { gradientClipAlgorithm: 'both' }],
    ['BAD_ARGUMENT', /gradientClipVal: "1".*a number/, { gradientClipVal: '1' }],
    ['BAD_ARGUMENT', /fraction from 0 to 1/, { limitTrainBatches: 1.5 }],
    ['BAD_ARGUMENT', /fraction from 0 to 1/, { limitValBatches: -1 }],
    ['BAD_ARGUMENT', /Did you mean maxEpochs/, { max_epochs: 3 }],
    ['BAD_ARGUMENT', /Did you mean limitTrainBatches/, { limitTrain: 3 }],
    ['BAD_ARGUMENT', /true or false/, { exactEvaluation: 1 }],
    ['BAD_ARGUMENT', /weighted/, { gradientAverage: 'mean' }],
    ['BAD_ARGUMENT', /logMetrics/, { logger: {} }],
    ['UNSUPPORTED', /no access to TPUs.*webgpu/, { tpuCores: 8 }],
  ])('%s: %s', (code, message, options) => {
    expect(() => resolveTrainerOptions(options as TrainerOptions)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    )
  })

  it('let values through that ask for what happens anyway', () => {
    const harmless = {
      tpuCores: null,
      detectAnomaly: false,
      gradientClipVal: null,
      enableProgressBar: true,
      inferenceMode: true,
    }
    expect(() => resolveTrainerOptions(harmless as TrainerOptions)).not.toThrow()
    expect(new Set(TRAINER_ARGUMENTS).size).toBe(TRAINER_ARGUMENTS.length)
  })
})

describe('numbers of batches', () => {
  it.each([
    [1, 10, 10],
    [0.25, 10, 2],
    [0, 10, 0],
    [3, 10, 3],
    [30, 10, 10],
    [{ batches: 1 }, 10, 1],
    [1, null, Infinity],
    [5, null, 5],
    [0.5, 0, 0],
  ])('%j of %s batches are %s', (value, length, batches) => {
    expect(limitOf('limitTrainBatches', value, length)).toBe(batches)
  })

  it('refuse a fraction that gives none, telling the smallest that does', () => {
    expect(() => limitOf('limitTrainBatches', 0.05, 12)).toThrow(/12 batches.*0\.0834/)
    expect(() => limitOf('limitTrainBatches', 0.5, null)).toThrow(/no length/)
    expect(limitOf('x', 0.0834, 12)).toBe(1)
  })

  it('say when to validate', () => {
    expect(validationInterval(1, 7)).toBe(7)
    expect(validationInterval(0.25, 10)).toBe(2)
    expect(validationInterval(3, 10)).toBe(3)
    expect(validationInterval(1, null)).toBe(Infinity)
    expect(validationInterval(4, null)).toBe(4)
    expect(() => validationInterval(11, 10)).toThrow(/11.*10 training batches/)
    expect(() => validationInterval(0.5, null)).toThrow(/no length/)
    expect(() => validationInterval(0, 10)).toThrow(/above 0/)
  })
})

it('reads durations', () => {
  expect(parseDuration('01:02:03:04')).toBe(((26 * 60 + 3) * 60 + 4) * 1000)
  expect(parseDuration({ minutes: 1.5 })).toBe(90_000)
  for (const bad of ['1:2', '00:25:00:00', {}, { weeks: 1 }, 7, null]) expect(() => parseDuration(bad)).toThrow(/DD:HH/)
})

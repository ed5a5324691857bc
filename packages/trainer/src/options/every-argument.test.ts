/** One table over all arguments: default, a value from code, environment and command line, and what is refused. */
import { describe, expect, it } from 'vitest'
import { baseRankContext, enterContext } from '../../../fabric/src/context.ts'
import { runRanks } from '../../../fabric/src/testing/ranks.ts'
import { Trainer } from '../trainer.ts'
import { ARGUMENTS, argumentOf, LEGACY_ARGUMENTS, TRAINER_ARGUMENTS } from './arguments.ts'
import { snakeCase, variableName } from './environment.ts'
import { readArgs } from './from-args.ts'
import { readTrainerOptions, type TrainerOptions } from './options.ts'

/** Argument: its default, a text that sets it, what that means, and a value in code that is refused with these words. */
type Row = [name: string, fallback: unknown, text: string, value: unknown, bad: unknown, words: RegExp]

const ROWS: Row[] = [
  ['accelerator', 'auto', 'wasm', 'wasm', 3, /a name/],
  ['strategy', 'auto', 'ddp', 'ddp', 3, /a strategy's name/],
  ['devices', 'auto', '2', 2, [1, 1], /more than once/],
  ['numNodes', 1, '2', 2, '2', /at least 1/],
  ['precision', '32-true', '32', '32', '33', /32-true/],
  ['plugins', null, 'ddp', ['ddp'], 7, /strategy/],
  ['logger', true, 'false', false, 'csv', /true or false/],
  ['callbacks', null, 'DeviceStatsMonitor', undefined, 'x', /hooks/],
  ['fastDevRun', false, '3', 3, -1, /at least 0/],
  ['maxEpochs', 1_000, '3', 3, 1.5, /at least -1/],
  ['minEpochs', null, '2', 2, -1, /at least 0/],
  ['maxSteps', -1, '9', 9, -2, /at least -1/],
  ['minSteps', null, '4', 4, 0.5, /at least 0/],
  ['maxTime', null, '00:00:01:00', '00:00:01:00', 'soon', /DD:HH:MM:SS/],
  ['limitTrainBatches', 1, '1', { batches: 1 }, 1.5, /fraction from 0 to 1/],
  ['limitValBatches', 1, '1.0', 1, -1, /fraction from 0 to 1/],
  ['limitTestBatches', 1, '0.5', 0.5, '7', /fraction from 0 to 1/],
  ['limitPredictBatches', 1, '7', 7, { batches: -1 }, /fraction from 0 to 1/],
  ['overfitBatches', 0, '0.1', 0.1, 1.1, /fraction from 0 to 1/],
  ['valCheckInterval', 1, '0.25', 0.25, true, /fraction from 0 to 1/],
  ['checkValEveryNEpoch', 1, '2', 2, null, /whole number of at least 1/],
  ['numSanityValSteps', 2, '-1', -1, -2, /at least -1/],
  ['logEveryNSteps', 50, '10', 10, 2.5, /at least 0/],
  ['accumulateGradBatches', 1, '4', 4, 0, /at least 1/],
  ['gradientClipVal', null, '0.5', 0.5, '1', /a number/],
  ['gradientClipAlgorithm', 'norm', 'value', 'value', 'both', /"norm" or "value"/],
  ['useDistributedSampler', true, 'no', false, 1, /true or false/],
  ['balanceBatches', false, 'true', true, 'yes', /true or false/],
  ['reloadDataloadersEveryNEpochs', 0, '2', 2, -1, /at least 0/],
  ['exactEvaluation', true, 'off', false, 0, /true or false/],
  ['gradientAverage', 'weighted', 'uniform', 'uniform', 'mean', /"weighted" or "uniform"/],
  ['deterministic', false, 'warn', 'warn', 'maybe', /true or false, or.*"warn"/],
  ['benchmark', false, 'yes', true, 'x', /true or false/],
  ['inferenceMode', true, 'f', false, 'x', /true or false/],
  ['profiler', null, 'simple', 'simple', 'pytorch', /"simple" or "advanced"/],
  ['detectAnomaly', false, 'on', true, 1, /true or false/],
  ['barebones', false, 'true', true, 'x', /true or false/],
  ['syncBatchnorm', false, 'true', true, 'x', /true or false/],
  ['defaultRootDir', '', 'here', 'here', 5, /a folder name/],
  ['enableCheckpointing', true, '0', false, 0, /true or false/],
  ['enableProgressBar', true, 'false', false, 'x', /true or false/],
  ['enableModelSummary', true, 'n', false, 'x', /true or false/],
  ['gpus', null, '2', 2, true, /neither a whole number/],
  ['numProcesses', 1, '2', 2, 0, /at least 1/],
  ['distributedBackend', null, 'ddp', 'ddp', 'nccl', /ddp_cpu/],
  ['replaceSamplerDdp', true, 'false', false, 'x', /true or false/],
  ['autoSelectGpus', false, 'true', true, 'x', /true or false/],
  ['ampLevel', null, 'O1', 'O1', 'O9', /"O2"/],
  ['resumeFromCheckpoint', null, 'a.ckpt', 'a.ckpt', 5, /path of a checkpoint/],
  ['weightsSummary', 'top', 'full', 'full', 'some', /"top" or "full"/],
  ['progressBarRefreshRate', null, '5', 5, -1, /at least 0/],
  ['checkpointCallback', true, 'false', false, {}, /true or false/],
]

/** What a value needs beside it. */
const BESIDE: Readonly<Record<string, TrainerOptions>> = { autoSelectGpus: { gpus: 1 } }

/** The resolved options, or why they are refused as not there yet: in both cases the argument arrived. */
function outcome(options: TrainerOptions, environment: Record<string, string> = {}): unknown {
  try {
    const { options: modern, resolved } = readTrainerOptions(options, environment)
    return { modern, resolved }
  } catch (error) {
    return error instanceof Error ? error.message : error
  }
}

it('has a row for every argument', () => {
  expect(ROWS.map(([name]) => name)).toEqual([...TRAINER_ARGUMENTS])
})

describe.each(ROWS)('%s', (name, fallback, text, value, bad, words) => {
  const beside = BESIDE[name] ?? {}
  const meant = name === 'callbacks' ? undefined : { ...beside, [name]: value }

  it('has its default', () => {
    const table = name in ARGUMENTS ? ARGUMENTS : LEGACY_ARGUMENTS
    expect((table as Record<string, { default: unknown }>)[name]?.default).toEqual(fallback)
  })

  it('is refused with what is allowed', () => {
    expect(() => new Trainer({ ...beside, [name]: bad } as TrainerOptions)).toThrow(words)
  })

  it(`is set by PL_TRAINER_${variableName(name)}, under RONDO_ spellings and under the code`, () => {
    const variable = `PL_TRAINER_${variableName(name)}`
    if (meant !== undefined) {
      const byCode = outcome(meant as TrainerOptions)
      expect(outcome(beside, { [variable]: text })).toEqual(byCode)
      expect(outcome(beside, { [`RONDO_${variable}`]: text, [variable]: 'nonsense' })).toEqual(byCode)
      expect(outcome(meant as TrainerOptions, { [variable]: text })).toEqual(byCode)
    } else {
      const made = outcome({}, { [variable]: text }) as { modern: TrainerOptions }
      expect([made.modern.callbacks].flat()[0]?.constructor.name).toBe(text)
    }
  })

  it('is set by a flag, dashed, underscored or as in code', () => {
    const snake = snakeCase(name)
    for (const flag of [`--${snake}`, `--${snake.replaceAll('_', '-')}`, `--${name}`]) {
      for (const argv of [
        [flag, text, 'rest'],
        [`${flag}=${text}`, 'rest'],
      ]) {
        const { options, rest } = readArgs(argv)
        expect(rest).toEqual(['rest'])
        if (meant !== undefined) expect(options).toEqual({ [name]: value })
      }
    }
    expect(argumentOf(name)?.kind.allowed).toBeTruthy()
  })
})

it('names the variable whose text is wrong', () => {
  expect(() => readTrainerOptions({}, { PL_TRAINER_MAX_EPOCHS: 'many' })).toThrow(
    expect.objectContaining({ code: 'BAD_ARGUMENT', message: expect.stringMatching(/^PL_TRAINER_MAX_EPOCHS="many"/) }),
  )
  expect(() => readTrainerOptions({}, { PL_TRAINER_TPU_CORES: '8' })).toThrow(/no access to TPUs/)
  expect(() => readTrainerOptions({}, { PL_TRAINER_TPU_CORES: 'None', PL_TRAINER_MAX_EPOCHS: '' })).not.toThrow()
})

it.each<[TrainerOptions, Record<string, string>, Partial<TrainerOptions>]>([
  [{ gpus: 2 }, { PL_TRAINER_DEVICES: '4' }, { devices: 2, accelerator: 'webgpu' }],
  [{ devices: 4 }, { PL_TRAINER_GPUS: '2' }, { devices: 4 }],
  [{ strategy: 'ddp_notebook' }, { PL_TRAINER_ACCELERATOR: 'ddp_spawn' }, { strategy: 'ddp_notebook' }],
  [{ accelerator: 'ddp' }, { PL_TRAINER_STRATEGY: 'ddp_spawn' }, { strategy: 'ddp' }],
  [{ accelerator: 'ddp_cpu' }, { PL_TRAINER_NUM_PROCESSES: '3' }, { strategy: 'ddp', accelerator: 'cpu', devices: 3 }],
  [{}, { PL_TRAINER_GPUS: '2', PL_TRAINER_ACCELERATOR: 'ddp' }, { strategy: 'ddp', devices: 2, accelerator: 'webgpu' }],
])('%j over %j is %j', (options, environment, expected) => {
  expect(readTrainerOptions(options, environment).options).toEqual(expected)
})

it('reaches the constructor from what the terminal forwarded to the rank', async () => {
  const base = baseRankContext()
  const env = { PL_TRAINER_MAX_EPOCHS: '3', PL_TRAINER_FAST_DEV_RUN: 'no', RONDO_TRAINER_MIN_EPOCHS: '2' }
  await runRanks(
    1,
    async ({ context }) => {
      enterContext(context)
      try {
        expect(new Trainer().resolved).toMatchObject({ maxEpochs: 3, fastDevRun: 0, minEpochs: 2 })
        expect(new Trainer({ maxEpochs: 7 }).resolved.maxEpochs).toBe(7)
        expect(Trainer.fromArgs(['--min_epochs', '1']).trainer.resolved).toMatchObject({ maxEpochs: 3, minEpochs: 1 })
      } finally {
        enterContext(base)
      }
    },
    { config: { env } },
  )
})

it('says the rank of a refusal where several ranks run', async () => {
  const base = baseRankContext()
  const refused = runRanks(2, async ({ context }) => {
    if (context.group.rank === 0) return
    enterContext(context)
    try {
      new Trainer({ maxEpochs: 1.5 })
    } finally {
      enterContext(base)
    }
  })
  await expect(refused).rejects.toMatchObject({ rank: 1, message: expect.stringMatching(/maxEpochs: 1.5.*rank 1/) })
})

/** Spellings of Lightning 1.x: what each becomes, and what contradicts itself. */
import { describe, expect, it } from 'vitest'
import { Trainer } from '../trainer.ts'
import { readTrainerOptions, type TrainerOptions } from './options.ts'

describe('becomes', () => {
  it.each<[TrainerOptions, object]>([
    [{ gpus: 3 }, { devices: 3, accelerator: 'webgpu' }],
    [{ gpus: '3' }, { devices: [3], accelerator: 'webgpu' }],
    [{ gpus: '1, 3' }, { devices: [1, 3], accelerator: 'webgpu' }],
    [{ gpus: [0] }, { devices: [0], accelerator: 'webgpu' }],
    [{ gpus: -1 }, { devices: 'auto', accelerator: 'webgpu' }],
    [{ gpus: '-1' }, { devices: 'auto', accelerator: 'webgpu' }],
    [{ gpus: null }, { accelerator: 'cpu' }],
    [{ gpus: 0 }, { accelerator: 'cpu' }],
    [{ gpus: null, accelerator: 'auto' }, { accelerator: 'cpu' }],
    [{ gpus: 0, accelerator: 'wasm' }, { accelerator: 'wasm' }],
    [
      { gpus: 2, accelerator: 'ddp' },
      { devices: 2, accelerator: 'webgpu', strategy: 'ddp' },
    ],
    [
      { gpus: 2, accelerator: 'ddp_spawn' },
      { devices: 2, accelerator: 'webgpu', strategy: 'ddp_spawn' },
    ],
    [{ accelerator: 'ddp_cpu' }, { accelerator: 'cpu', strategy: 'ddp', devices: 1 }],
    [
      { accelerator: 'ddp_cpu', numProcesses: 3 },
      { accelerator: 'cpu', strategy: 'ddp', devices: 3 },
    ],
    [
      { accelerator: 'ddp_cpu', gpus: 0 },
      { accelerator: 'cpu', strategy: 'ddp', devices: 1 },
    ],
    [{ numProcesses: 3, devices: 2 }, { devices: 2 }],
    [{ distributedBackend: 'ddp' }, { strategy: 'ddp' }],
    [
      { distributedBackend: 'ddp', accelerator: 'wasm' },
      { strategy: 'ddp', accelerator: 'wasm' },
    ],
    [
      { gpus: 8, accelerator: 'ddp', plugins: 'ddp_sharded' },
      { devices: 8, accelerator: 'webgpu', strategy: 'ddp_sharded', plugins: [] },
    ],
    [{ plugins: ['ddp'] }, { strategy: 'ddp', plugins: [] }],
    [{ replaceSamplerDdp: false }, { useDistributedSampler: false }],
    [{ checkpointCallback: false }, { enableCheckpointing: false }],
    [{ weightsSummary: null }, { enableModelSummary: false }],
    [{ weightsSummary: 'top' }, { enableModelSummary: true }],
    [{ progressBarRefreshRate: 0 }, { enableProgressBar: false }],
    [{ ampLevel: 'O0' }, { precision: '32-true' }],
    [{ ampLevel: 'O1' }, { precision: '16-mixed' }],
    [{ ampLevel: 'O2', precision: 16 }, { precision: '16-mixed' }],
    [{ ampLevel: 'O3' }, { precision: '16-true' }],
  ])('%j: %j, with a line that says so', (options, expected) => {
    const { options: modern, notes } = readTrainerOptions(options)
    expect(modern).toEqual(expected)
    const old = Object.keys(options).filter((name) => !['devices', 'plugins', 'precision'].includes(name))
    for (const name of old.filter((each) => each !== 'accelerator' || options.strategy)) {
      if (options.accelerator === 'ddp_cpu' || name === 'gpus' || name === 'accelerator') continue
      expect(notes.join('\n')).toContain(name)
    }
  })

  it('keeps what has no name today, or makes a callback of it', () => {
    const { resolved, options } = readTrainerOptions({
      resumeFromCheckpoint: 'a.ckpt',
      weightsSummary: 'full',
      progressBarRefreshRate: 20,
      callbacks: { onFitStart() {} },
    })
    expect(resolved.resumeFromCheckpoint).toBe('a.ckpt')
    expect(options).toMatchObject({ enableModelSummary: true, enableProgressBar: true })
    expect(options.callbacks).toMatchObject([{}, { options: { maxDepth: -1 } }, { options: { refreshRate: 20 } }])
  })

  it('prints that distributedBackend is old, that numProcesses is ignored, that several devices mean ddp', () => {
    expect(readTrainerOptions({ distributedBackend: 'ddp' }).notes).toEqual([expect.stringMatching(/old name.*"ddp"/)])
    expect(readTrainerOptions({ numProcesses: 2 }).notes).toEqual([expect.stringMatching(/ignored/)])
    expect(readTrainerOptions({ gpus: 2 }).notes).toEqual([expect.stringMatching(/strategy "ddp"/)])
    expect(readTrainerOptions({ gpus: 1 }).notes).toEqual([expect.not.stringMatching(/strategy/)])
  })
})

describe('is refused', () => {
  it.each<[string, RegExp, TrainerOptions]>([
    [
      'CONFLICT',
      /accelerator: "ddp".*strategy: "ddp_spawn".*one of the two/,
      { accelerator: 'ddp', strategy: 'ddp_spawn' },
    ],
    ['CONFLICT', /accelerator: "ddp".*strategy: "ddp"/, { accelerator: 'ddp', strategy: 'ddp' }],
    ['CONFLICT', /distributedBackend: "ddp".*strategy: "dp"/, { distributedBackend: 'ddp', strategy: 'dp' }],
    ['CONFLICT', /distributedBackend: "ddp".*accelerator: "dp"/, { distributedBackend: 'ddp', accelerator: 'dp' }],
    ['CONFLICT', /plugins: "ddp_sharded".*strategy: "ddp"/, { plugins: 'ddp_sharded', strategy: 'ddp' }],
    ['CONFLICT', /plugins: "ddp_sharded".*accelerator: "horovod"/, { plugins: 'ddp_sharded', accelerator: 'horovod' }],
    ['CONFLICT', /"dp".*numNodes: 2.*ddp and ddp2/, { accelerator: 'dp', numNodes: 2 }],
    ['CONFLICT', /"dp".*numNodes: 2.*ddp and ddp2/, { strategy: 'dp', numNodes: 2 }],
    ['CONFLICT', /ddp_cpu.*gpus: 2.*GPUs would not be used/, { accelerator: 'ddp_cpu', gpus: 2 }],
    ['CONFLICT', /ddp_cpu.*gpus: "0".*GPUs would not be used/, { distributedBackend: 'ddp_cpu', gpus: '0' }],
    ['CONFLICT', /"dp".*O2.*use strategy: "ddp"/, { strategy: 'dp', ampLevel: 'O2' }],
    ['CONFLICT', /"dp".*O2.*use strategy: "ddp"/, { accelerator: 'dp', gpus: 2, ampLevel: 'O2' }],
    ['CONFLICT', /horovod.*numNodes: 2.*rondo horovodrun -np/, { strategy: 'horovod', numNodes: 2 }],
    ['CONFLICT', /horovod.*gpus: 2.*rondo horovodrun -np/, { accelerator: 'horovod', gpus: 2 }],
    ['CONFLICT', /gpus: 2.*devices: 2.*keep devices/, { gpus: 2, devices: 2 }],
    ['CONFLICT', /gpus: null.*devices: 1.*keep devices/, { gpus: null, devices: 1 }],
    ['CONFLICT', /accelerator: "cpu".*GPUs would not be used/, { gpus: 1, accelerator: 'cpu' }],
    ['CONFLICT', /gpus: 0.*accelerator: "cuda".*leave gpus out/, { gpus: 0, accelerator: 'cuda' }],
    ['BAD_DEVICES', /\[0,1\].*cpu and wasm.*whole number above 0/, { accelerator: 'wasm', devices: [0, 1] }],
    ['BAD_DEVICES', /-1.*cpu and wasm.*whole number above 0/, { accelerator: 'cpu', devices: -1 }],
    ['CONFLICT', /numProcesses: 2.*devices: 3/, { accelerator: 'ddp_cpu', numProcesses: 2, devices: 3 }],
    ['CONFLICT', /ampLevel: "O2".*precision: 32/, { ampLevel: 'O2', precision: 32 }],
    ['CONFLICT', /replaceSamplerDdp.*useDistributedSampler/, { replaceSamplerDdp: false, useDistributedSampler: true }],
    ['CONFLICT', /checkpointCallback.*enableCheckpointing/, { checkpointCallback: true, enableCheckpointing: true }],
    ['CONFLICT', /weightsSummary.*enableModelSummary/, { weightsSummary: 'top', enableModelSummary: true }],
    ['CONFLICT', /progressBarRefreshRate.*enableProgressBar/, { progressBarRefreshRate: 1, enableProgressBar: true }],
    ['BAD_DEVICES', /no device/, { gpus: [] }],
    ['BAD_DEVICES', /no device/, { gpus: -2 }],
    ['BAD_DEVICES', /slot 1 is named more than once/, { gpus: [1, 1] }],
    ['BAD_DEVICES', /neither a whole number/, { devices: null as never }],
    ['BAD_DEVICES', /slot -1/, { devices: [-1] }],
    ['BAD_DEVICES', /autoSelectGpus.*gpus: 0.*gpus: k/, { autoSelectGpus: true, gpus: 0 }],
    ['BAD_DEVICES', /autoSelectGpus.*no gpus/, { autoSelectGpus: true }],
    ['UNSUPPORTED', /strategy "dp" is not part/, { accelerator: 'dp', gpus: 2 }],
    ['UNSUPPORTED', /strategy "horovod" is not part/, { strategy: 'horovod' }],
    ['UNSUPPORTED', /no access to TPUs.*webgpu/, { tpuCores: 8 } as never],
    ['UNSUPPORTED', /onBeforeOptimizerStep/, { trackGradNorm: 2 } as never],
    ['UNSUPPORTED', /precision: "16-mixed"/, { ampBackend: 'apex' } as never],
    ['BAD_ARGUMENT', /Did you mean replaceSamplerDdp/, { replace_sampler_ddp: true } as never],
  ])('%s: %s', (code, message, options) => {
    expect(() => new Trainer(options)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    )
  })
})

it('fromArgs makes a trainer of the flags and gives the rest back, in order', () => {
  const argv = [
    'data.bin',
    '--gpus',
    '8',
    '--lr',
    '0.1',
    '--fast-dev-run',
    '--max_epochs=3',
    '--accelerator',
    'ddp',
    '--',
    '--max_epochs',
    '9',
  ]
  const { trainer, rest } = Trainer.fromArgs(argv)
  expect(trainer.options).toMatchObject({
    devices: 8,
    strategy: 'ddp',
    accelerator: 'webgpu',
    fastDevRun: true,
    maxEpochs: 3,
  })
  expect(rest).toEqual(['data.bin', '--lr', '0.1', '--max_epochs', '9'])
  expect(
    Trainer.fromArgs(['--max_steps', '-1', '--gpus', '2'], { devices: 1, maxSteps: 5 }).trainer.options,
  ).toMatchObject({
    devices: 1,
    maxSteps: 5,
  })
  expect(() => Trainer.fromArgs(['--max_epochs'])).toThrow(/--max_epochs: it stands without a value/)
  expect(() => Trainer.fromArgs(['--max_epochs', 'x'])).toThrow(/--max_epochs="x": allowed is a whole number/)
  expect(() => Trainer.fromArgs(['--tpu_cores', '8'])).toThrow(/no access to TPUs/)
  expect(() => Trainer.fromArgs(['--gpus', '8', '--accelerator', 'ddp', '--plugins', 'ddp_sharded'])).toThrow(
    /strategy "ddp_sharded" is not part/,
  )
})

it('barebones turns off what costs time, and lists what was switched on beside it', () => {
  expect(readTrainerOptions({ barebones: true }).resolved).toMatchObject({
    barebones: true,
    logger: false,
    enableCheckpointing: false,
    enableProgressBar: false,
    enableModelSummary: false,
    numSanityValSteps: 0,
    logEveryNSteps: 0,
    fastDevRun: 0,
    detectAnomaly: false,
    profiler: null,
  })
  expect(() => new Trainer({ barebones: true, logger: false, numSanityValSteps: 0 })).not.toThrow()
  expect(() => new Trainer({ barebones: true, logger: true, profiler: 'simple', logEveryNSteps: 5 })).toThrow(
    /logger: true, logEveryNSteps: 5, profiler: "simple"/,
  )
  for (const options of [
    { enableCheckpointing: true },
    { enableProgressBar: true },
    { enableModelSummary: true },
    { numSanityValSteps: 1 },
    { fastDevRun: true },
    { detectAnomaly: true },
  ]) {
    expect(() => new Trainer({ barebones: true, ...options })).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
  }
})

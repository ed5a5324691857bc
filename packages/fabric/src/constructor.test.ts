/** What `new Fabric(options)` chooses, substitutes and refuses; what it can be asked; a method `run` of a subclass. */
import { tf } from '@rondo/engine'
import { DdpStrategy, STRATEGY_NAMES } from '@rondo/strategies'
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest'
import { Fabric } from './fabric.ts'
import { PrecisionPlugin } from './plugins/kinds.ts'
import { memoryLauncher } from './testing/memory-launcher.ts'
import { runRanks } from './testing/ranks.ts'

let info: MockInstance
beforeEach(() => {
  info = vi.spyOn(console, 'info').mockImplementation(() => {})
})
afterEach(() => {
  info.mockRestore()
})

class Half extends PrecisionPlugin {
  readonly precision = '16-mixed'
}
const environment = {
  pluginKind: 'ClusterEnvironment',
  createsProcessesExternally: true,
  mainAddress: '127.0.0.1',
  mainPort: 1,
  worldSize: () => 2,
  globalRank: () => 0,
  localRank: () => 0,
  nodeRank: () => 0,
  detect: () => true,
  validateSettings: vi.fn(),
  teardown: vi.fn(),
}
const tape = {
  pluginKind: 'CheckpointIO',
  saveCheckpoint: async () => {},
  loadCheckpoint: async () => ({}),
  removeCheckpoint: async () => {},
}

describe('auto strategy', () => {
  it('is the single device, ddp or ddp_notebook', async () => {
    expect(new Fabric().strategy.name).toBe('single_device')
    await runRanks(2, async ({ context }) => {
      expect(new Fabric({}, context).strategy.name).toBe('ddp')
    })
    await runRanks(1, async ({ context }) => {
      expect(new Fabric({ devices: 1 }, context).strategy.name).toBe('single_device')
    })
    memoryLauncher()
    expect(new Fabric({ devices: 2 }).strategy.name).toBe('ddp_notebook')
    expect(new Fabric({ devices: 'auto' }).strategy.name).toBe('ddp_notebook')
    expect(new Fabric({ devices: 1 }).strategy.name).toBe('single_device')
  })
})

describe('substitutions print one line', () => {
  it.each([
    [{ accelerator: 'cuda' }, /accelerator "cuda" means "webgpu"/],
    [{ accelerator: 'GPU' }, /"GPU" means "webgpu"/],
    [{ accelerator: 'cpu', strategy: 'dp' }, /"dp" becomes "ddp" on cpu/],
    [{ accelerator: 'wasm', strategy: 'DP' }, /"dp" becomes "ddp" on wasm/],
    [{ strategy: 'ddp_fork' }, /cannot fork a process/],
  ])('%j', (options, line) => {
    new Fabric(options)
    expect(info.mock.calls).toEqual([[expect.stringMatching(line)]])
  })
})

describe('refusals', () => {
  it.each([
    ['an unknown strategy', { strategy: 'ring' }, new RegExp(STRATEGY_NAMES.join(', '))],
    ['what is no strategy', { strategy: {} }, /strategy is a plain object.*ddp_notebook.*DDPStrategy/],
    ['a number for a strategy', { strategy: 3 }, /strategy is 3.*Allowed are the names/],
    ['an unknown accelerator', { accelerator: 'quantum' }, /"quantum".*auto, webgpu, webgl, wasm, cpu/],
    ['tpu', { accelerator: 'tpu' }, /no TPU access.*webgpu.*wasm/],
    ['tpu strategies', { strategy: 'xla' }, /no TPU access.*webgpu.*wasm/],
    ['numNodes as a text', { numNodes: '2' }, /numNodes is "2".*at least 1/],
    ['numNodes 0', { numNodes: 0 }, /numNodes is 0/],
    ['half a node', { numNodes: 1.5 }, /numNodes is 1.5/],
    ['no device', { devices: [] }, /at least one device is needed/],
    ['0 devices', { devices: 0 }, /at least one device is needed/],
    ['"0" devices', { devices: '0' }, /at least one device is needed/],
    ['fsdp on cpu', { accelerator: 'cpu', strategy: 'fsdp' }, /Use accelerator "webgpu", or "wasm"/],
    ['ZeRO-3 on cpu', { accelerator: 'cpu', strategy: 'deepspeed_stage_3' }, /Use accelerator "webgpu", or "wasm"/],
    ['64-true', { precision: '64-true' }, /64-true/],
    ['precision twice', { precision: 32, plugins: new Half() }, /32.*Half.*Choose one/],
    [
      'an accelerator twice',
      { accelerator: 'cpu', strategy: new DdpStrategy({ accelerator: 'wasm' }) },
      /accelerator.*"wasm".*"cpu".*Choose one/,
    ],
    [
      'a precision twice',
      { precision: '32-true', strategy: new DdpStrategy({ precision: '16-mixed' }) },
      /precision.*"16-mixed".*"32-true".*Choose one/,
    ],
    [
      'a precision and a plugin',
      { plugins: new Half(), strategy: new DdpStrategy({ precision: '32-true' }) },
      /precision.*"32-true".*Half/,
    ],
    [
      'a CheckpointIO twice',
      { plugins: tape, strategy: new DdpStrategy({ checkpointIO: tape }) },
      /checkpointIO.*Choose one/,
    ],
    [
      'an environment twice',
      { plugins: environment, strategy: new DdpStrategy({ environment }) },
      /environment.*Choose one/,
    ],
  ])('%s', (_, options, message) => {
    expect(() => new Fabric(options as object)).toThrow(message)
  })

  it('ddp with several devices built in a notebook says what to use', () => {
    memoryLauncher()
    expect(() => new Fabric({ devices: 2, strategy: 'ddp' })).toThrow(/no script.*ddp_notebook.*dp.*inside the worker/)
  })

  it('an accelerator that is not usable here says which are, and why', async () => {
    await expect(new Fabric({ accelerator: 'gpu' }).launch()).rejects.toThrow(
      /"webgpu" is not usable: no GPU backend was found.*Usable here: wasm, cpu/,
    )
    await expect(new Fabric({ accelerator: 'webgl' }).launch()).rejects.toThrow(/"webgl".*Usable here: wasm, cpu/)
  })
})

it('takes what a strategy object says in the place of options', () => {
  const strategy = new DdpStrategy({ accelerator: 'cpu', precision: 'bf16-mixed' })
  expect(() => new Fabric({ strategy })).not.toThrow()
  expect(new Fabric({ strategy }).strategy).toBe(strategy)
})

it('can be asked for its place, its device and its session', async () => {
  await runRanks(2, async ({ context }) => {
    const fabric = new Fabric({}, context)
    await fabric.launch()
    const { rank } = context.group
    expect(fabric).toMatchObject({ globalRank: rank, localRank: rank, nodeRank: 0, worldSize: 2, accelerator: 'cpu' })
    expect([fabric.isGlobalZero, fabric.device, fabric.session]).toEqual([rank === 0, 'cpu', null])
  })
})

it('tells whether all ranks see one storage', async () => {
  const shared = await runRanks(2, async ({ context }) => {
    const fabric = new Fabric({}, context)
    await fabric.launch()
    return [
      await fabric.isSharedFilesystem(),
      await fabric.isSharedFilesystem('some/folder'),
      await fabric.isSharedFilesystem('download:'),
    ]
  })
  expect(shared).toEqual([
    [true, true, false],
    [true, true, false],
  ])
  const apart = () => {
    const files = new Map<string, Uint8Array<ArrayBuffer>>()
    return {
      write: async (name: string, bytes: Uint8Array<ArrayBuffer>) => void files.set(name, bytes),
      read: async (name: string) => files.get(name) ?? Promise.reject(new Error('none')),
    }
  }
  const own = await runRanks(
    2,
    async ({ context }) => {
      const fabric = new Fabric({}, context)
      await fabric.launch()
      return fabric.isSharedFilesystem()
    },
    { files: apart },
  )
  expect(own).toEqual([false, false])
})

describe('a ClusterEnvironment plugin', () => {
  const launch = (changes: object) =>
    runRanks(2, async ({ context }) => {
      const own = { ...environment, globalRank: () => context.group.rank, ...changes }
      await new Fabric({ plugins: own }, context).launch()
    })

  it('is asked whether it fits the run', async () => {
    await launch({})
    expect(environment.validateSettings).toHaveBeenCalledWith(2, 1)
    await expect(launch({ worldSize: () => 8 })).rejects.toThrow(/worldSize\(\) is 8, and this run has 2/)
  })

  it('that starts ranks itself launches from local rank 0 alone', async () => {
    await expect(launch({ createsProcessesExternally: false, localRank: () => 1 })).rejects.toThrow(
      /only local rank 0 launches.*altered.*createsProcessesExternally/,
    )
  })
})

describe('a subclass with run', () => {
  class Lite extends Fabric {
    async run(scale: number): Promise<number> {
      const [model] = await this.setup(
        tf.sequential({ layers: [tf.layers.dense({ inputShape: [1], units: 1 })] }),
        tf.train.sgd(1),
      )
      return model.parameters().length * scale
    }
  }

  it('is launched by calling it', async () => {
    expect(await new Lite({ accelerator: 'cpu' }).run(3)).toBe(6)
    memoryLauncher()
    await expect(new Lite({ devices: 2 }).run(3)).rejects.toThrow(
      /Lite\.run\(\) on several ranks.*fabric\.launch\(train\)/,
    )
  })

  it('is refused under rondo run', async () => {
    await runRanks(2, async ({ context }) => {
      expect(() => new Lite({}, context)).toThrow(/Lite\.run\(\) is overridden under "rondo run".*rondo exec.*setup/)
    })
  })
})

describe('launch without function', () => {
  it('does nothing more under rondo run, however often', async () => {
    await runRanks(2, async ({ context }) => {
      const fabric = new Fabric({}, context)
      await fabric.launch()
      await fabric.launch()
      await new Fabric({}, context).launch()
    })
  })

  it('is refused a second time in a script that began alone', async () => {
    await runRanks(
      2,
      async ({ context }) => {
        await new Fabric({}, context).launch()
        await expect(new Fabric({}, context).launch()).rejects.toThrow(/second time.*2 ranks exist already/)
      },
      { config: { growable: true } },
    )
  })

  it('launch(fn) under rondo run says to call it or to use rondo exec', async () => {
    await runRanks(2, async ({ context }) => {
      const train = async (_: Fabric) => 1
      await expect(new Fabric({}, context).launch(train)).rejects.toThrow(/ranks exist already.*directly.*"rondo exec"/)
    })
  })
})

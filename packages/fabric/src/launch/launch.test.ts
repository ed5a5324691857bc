/** `fabric.launch(fn)` from a notebook's kernel, from ranks and from plain code: what runs where, and every refusal. */
import { getShuffleSeed, setShuffleSeed } from '@rondo/data'
import { seedEverything, tf, unseedEverything } from '@rondo/engine'
import { DdpStrategy } from '@rondo/strategies'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Fabric } from '../fabric.ts'
import { MixedPrecision } from '../plugins/mixed-precision.ts'
import { memoryLauncher } from '../testing/memory-launcher.ts'
import { runRanks } from '../testing/ranks.ts'
import { registerLaunchable } from './call.ts'
import { launchOnRanks } from './on-ranks.ts'

vi.spyOn(console, 'info').mockImplementation(() => {})
afterEach(unseedEverything)

const code = (name: string) => expect.objectContaining({ code: name })
const sizes = async (fabric: Fabric, ...args: unknown[]) => [fabric.worldSize, fabric.globalRank, ...args]

describe('in a notebook', () => {
  it('runs the function on that many ranks, with a Fabric that is ready, and gives rank 0’s result', async () => {
    const launcher = memoryLauncher()
    const fabric = new Fabric({ devices: 3, strategy: 'ddp_notebook' })
    const train = async (own: Fabric, scale: number): Promise<number> => {
      await own.barrier()
      return own.allReduce(own.globalRank * scale, { op: 'sum' })
    }
    expect(await fabric.launch(train, 10)).toBe(30)
    expect(await fabric.launch(train, 100)).toBe(300)
    expect(launcher.requests[0]).toMatchObject({
      call: 'fabric.launch',
      name: 'train',
      strategy: 'ddp_notebook',
      devices: 3,
      accelerator: null,
      precision: null,
    })
    expect([fabric.worldSize, fabric.globalRank]).toEqual([1, 0])
  })

  it.each([
    [{ devices: 2 }, 2, 'ddp_notebook'],
    [{ devices: '2', strategy: 'DDP_Spawn' }, 2, 'ddp_spawn'],
    [{ devices: '3,1' }, [3, 1], 'ddp_notebook'],
    [{ devices: [0, 2] }, [0, 2], 'ddp_notebook'],
    [{ devices: 'auto' }, 'auto', 'ddp_notebook'],
    [{ devices: -1 }, 'auto', 'ddp_notebook'],
    [{}, 'auto', 'ddp_notebook'],
    [{ devices: 2, accelerator: 'auto', precision: '32' }, 2, 'ddp_notebook'],
    [{ devices: 1, strategy: 'ddp_fork' }, 1, 'ddp_fork'],
    [
      { devices: 2, strategy: 'ddp_notebook_find_unused_parameters_true' },
      2,
      'ddp_notebook_find_unused_parameters_true',
    ],
  ] as const)('asks for %j', async (options, devices, strategy) => {
    const launcher = memoryLauncher()
    const used = await new Fabric(options as object).launch(async (own) => own.strategy)
    expect(launcher.requests).toMatchObject([{ devices, strategy, accelerator: null, precision: null }])
    expect(used).toMatchObject({ name: 'ddp', options: { findUnusedParameters: strategy.endsWith('_true') } })
  })

  it('runs one device right here, and says NOT_LAUNCHED for several', async () => {
    const launcher = memoryLauncher()
    const one = new Fabric({ devices: 1, accelerator: 'cpu' })
    expect(await one.launch(sizes, 'x')).toEqual([1, 0, 'x'])
    expect(launcher.requests).toEqual([])
    const net = tf.sequential({ layers: [tf.layers.dense({ inputShape: [1], units: 1 })] })
    await expect(one.setup(net)).resolves.toBeDefined()
    await expect(new Fabric({ devices: 1, accelerator: 'cpu' }).launch()).resolves.toBeUndefined()

    for (const options of [{ devices: 2 }, {}, { strategy: 'ddp_notebook' }]) {
      const many = new Fabric(options)
      const calls = [
        () => many.setup(net),
        () => many.setupDataLoaders(...([] as never[])),
        () => many.backward(() => tf.scalar(1)),
        () => many.allReduce(1),
        () => many.allGather(1),
        () => many.broadcast(1),
        () => many.barrier(),
        () => many.save('x', {}),
        () => many.load('x'),
      ]
      for (const call of calls) await expect(call()).rejects.toThrow(code('NOT_LAUNCHED'))
      await expect(many.allReduce(1)).rejects.toThrow(/await fabric\.launch\(train\)/)
    }
    launcher.slots = 1
    await expect(new Fabric({ accelerator: 'cpu' }).allReduce(2)).resolves.toBe(2)
  })

  it('hands the caller’s random state to the ranks, whatever they did before', async () => {
    memoryLauncher()
    seedEverything(42)
    setShuffleSeed(5)
    const expected = Math.random()
    seedEverything(42)
    // Ranks of this test share one generator with the caller; each takes the state over before it draws.
    const draw = async (_: Fabric) => [Math.random(), getShuffleSeed()]
    const fabric = new Fabric({ devices: 1, strategy: 'ddp_notebook' })
    const before = await fabric.launch(draw)
    expect(before).toEqual([expected, 5])
    setShuffleSeed(0)
  })

  it('rejects with the error of the rank that threw', async () => {
    memoryLauncher()
    const fail = async (own: Fabric) => {
      if (own.globalRank === 2) throw new RangeError('learning rate')
      await own.barrier()
    }
    const fabric = new Fabric({ devices: 3 })
    await expect(fabric.launch(fail)).rejects.toMatchObject({ name: 'RangeError', message: 'learning rate', rank: 2 })
    expect(await fabric.launch(sizes)).toEqual([3, 0])
  })

  it('lets a launched function make a Fabric of its own as the notebook did', async () => {
    memoryLauncher()
    // What ranks find by themselves in a worker has to be handed on here, where all share one thread.
    const results = await runRanks(
      2,
      async ({ context }) => {
        const own = new Fabric({ devices: 2, strategy: 'ddp_notebook' }, context)
        await own.launch()
        expect(() => new Fabric({ devices: 4 }, context)).toThrow(code('NOT_ENOUGH_DEVICES'))
        return own.allReduce(1, { op: 'sum' })
      },
      { job: 'launch' },
    )
    expect(results).toEqual([2, 2])
  })

  it('runs a library’s function by its registered name', async () => {
    memoryLauncher()
    registerLaunchable('test.twice', (fabric: Fabric, n: number) => [fabric.worldSize, n * 2])
    const options = { call: 'trainer.fit', devices: 2, strategy: 'ddp_notebook', passFabric: true }
    expect(await launchOnRanks({ launchable: 'test.twice' }, [21], options)).toEqual([2, 42])
  })

  it.each([
    ['the result of the call', () => sizes(null as never), /a promise, .*Pass the function and not its call/],
    ['undefined', () => undefined, /of type undefined.*must be a function/],
    ['a function without parameter', () => async () => 1, /declares no parameter.*first one/],
    ['a named one with only a comment', () => function train(/* nothing */) {}, /train declares no parameter/],
  ])('refuses %s', async (_, given, message) => {
    const launcher = memoryLauncher()
    const fabric = new Fabric({ devices: 2 })
    const value = given()
    if (value instanceof Promise) value.catch(() => {})
    await expect(fabric.launch(value as never)).rejects.toThrow(message)
    await expect(fabric.launch(value as never)).rejects.toThrow(code('BAD_ARGUMENT'))
    expect(launcher.requests).toEqual([])
  })

  it('takes rest and default parameters for parameters', async () => {
    memoryLauncher()
    const fabric = new Fabric({ devices: 2 })
    expect(await fabric.launch(async (...all: unknown[]) => all.length, 1 as never)).toBe(2)
    expect(await fabric.launch((own: Fabric | null = null) => own?.worldSize)).toBe(2)
  })

  it('refuses a launch without function where ranks are needed', async () => {
    const launcher = memoryLauncher()
    for (const options of [{ devices: 2 }, { strategy: 'ddp_spawn', devices: 1 }, {}]) {
      await expect(new Fabric(options).launch()).rejects.toThrow(/starts ranks from a function, and none was passed/)
    }
    launcher.slots = 1
    await expect(new Fabric({ accelerator: 'cpu' }).launch()).resolves.toBeUndefined()
  })

  it('refuses ddp, strategy objects and nodes for several devices', async () => {
    const launcher = memoryLauncher()
    for (const strategy of ['ddp', 'ddp_find_unused_parameters_true', new DdpStrategy()]) {
      expect(() => new Fabric({ devices: 2, strategy })).toThrow(/Use strategy "ddp_notebook"/)
      await expect(new Fabric({ strategy }).launch(sizes)).rejects.toThrow(/no script that ranks could run again/)
      expect(() => new Fabric({ devices: 1, strategy })).not.toThrow()
    }
    expect(() => new Fabric({ devices: 2, numNodes: 2 })).toThrow(code('UNSUPPORTED'))
    expect(() => new Fabric({ numNodes: 0 })).toThrow(code('BAD_ARGUMENT'))
    for (const devices of [0, '0', [], 'many']) {
      expect(() => new Fabric({ devices: devices as number })).toThrow(code('BAD_DEVICES'))
    }
    expect(() => new Fabric({ strategy: 'ddp_notebok' })).toThrow(/ddp_notebook/)
    expect(launcher.requests).toEqual([])
  })
})

it('refuses to send a Precision plugin along, whose name alone would arrive', async () => {
  memoryLauncher()
  const fabric = new Fabric({ devices: 3, strategy: 'ddp_notebook', plugins: new MixedPrecision('16-mixed') })
  await expect(fabric.launch(sizes)).rejects.toThrow(/MixedPrecision, a Precision plugin, which does not cross/)
})

describe('in ranks', () => {
  it('refuses to launch: under rondo run, and inside a launch', async () => {
    await runRanks(2, async ({ context }) => {
      await expect(new Fabric({}, context).launch(sizes)).rejects.toThrow(/"rondo run".*Call the function directly/)
      const spawn = new Fabric({ strategy: 'ddp_spawn' }, context)
      await expect(spawn.launch()).rejects.toThrow(/use strategy "ddp"/)
    })
    await runRanks(
      2,
      async ({ context }) => {
        const launching = new Fabric({ strategy: 'ddp_notebook' }, context).launch(sizes)
        await expect(launching).rejects.toThrow(
          new RegExp(`rank ${context.group.rank} of 2.*Call the function directly`),
        )
        if (context.localRank === 1)
          await expect(launching).rejects.toThrow(/only local rank 0 launches.*createsProcessesExternally/)
      },
      { job: 'launch' },
    )
  })
})

describe('where nobody can start ranks', () => {
  it('runs one rank in place and says how to get more', async () => {
    expect(await new Fabric({ accelerator: 'cpu' }).launch(sizes)).toEqual([1, 0])
    const spawn = new Fabric({ strategy: 'ddp_spawn', devices: 1 })
    await expect(spawn.launch(sizes)).rejects.toThrow(/nobody here can start ranks.*npm start.*rondo run/)
    expect(() => new Fabric({ devices: 2 })).toThrow(code('NOT_ENOUGH_DEVICES'))
  })
})

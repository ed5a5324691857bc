/** `notebookLauncher` and `debugLauncher`: where they run, restarts, and every option that is refused. */
import { RondoError } from '@rondo/protocol'
import { describe, expect, it, vi } from 'vitest'
import { memoryLauncher } from '../testing/memory-launcher.ts'
import { setLauncher } from './launcher.ts'
import { debugLauncher, notebookLauncher } from './notebook-launcher.ts'

const said = vi.spyOn(console, 'info').mockImplementation(() => {})
const warned = vi.spyOn(console, 'warn').mockImplementation(() => {})

const add = async (a: number, b: number): Promise<number> => a + b

describe('notebookLauncher', () => {
  it('runs fn(...args) on that many ranks, again and again, without a Fabric of its own', async () => {
    const launcher = memoryLauncher()
    for (const a of [1, 2]) expect(await notebookLauncher(add, [a, 3], { numProcesses: 2 })).toBe(a + 3)
    expect(launcher.requests).toHaveLength(2)
    expect(launcher.requests[0]).toMatchObject({ call: 'notebookLauncher', devices: 2, strategy: 'ddp_notebook' })
    expect(said).toHaveBeenCalledWith(expect.stringContaining('launches 2 ranks on'))
  })

  it('calls one process in place, and takes all devices when none are named', async () => {
    const launcher = memoryLauncher(3)
    const here: unknown[] = []
    expect(await notebookLauncher((x: number) => here.push(x), [7], { numProcesses: 1 })).toBe(1)
    expect([here, launcher.requests]).toEqual([[7], []])
    await notebookLauncher(add, [1, 2])
    expect(launcher.requests).toMatchObject([{ devices: 3 }])
    expect(said).toHaveBeenCalledWith(expect.stringContaining('all 3 devices'))
    launcher.slots = 0
    await expect(notebookLauncher(add, [1, 2])).rejects.toMatchObject({ code: 'NOT_ENOUGH_DEVICES' })
    await expect(notebookLauncher(add, [1, 2])).rejects.toThrow(/Give numProcesses/)
  })

  it('restarts what failed in a rank, and finishes when it works', async () => {
    const launcher = memoryLauncher()
    let tries = 0
    const flaky = async (): Promise<string> => {
      // Both ranks run in this thread: the first launch fails on both.
      if (tries++ < 2) throw new Error('out of luck')
      return 'done'
    }
    await expect(notebookLauncher(flaky, [], { numProcesses: 2 })).rejects.toMatchObject({ message: 'out of luck' })
    tries = 0
    expect(await notebookLauncher(flaky, [], { numProcesses: 2, maxRestarts: 1 })).toBe('done')
    expect(launcher.requests).toHaveLength(3)
    expect(warned).toHaveBeenCalledWith(expect.stringMatching(/restart 1 of 1.*out of luck/))
  })

  it('says how many restarts were used when all failed, with the rank', async () => {
    const launcher = memoryLauncher()
    const broken = async (): Promise<never> => {
      throw new TypeError('always')
    }
    const failed = notebookLauncher(broken, [], { numProcesses: 2, maxRestarts: 2 })
    await expect(failed).rejects.toMatchObject({ name: 'TypeError', rank: 0, message: 'always (after 2 restarts)' })
    expect(launcher.requests).toHaveLength(3)
  })

  it.each([
    ['a launch that was refused', new RondoError('NOT_CLONEABLE', 'cfg.socket')],
    ['an interrupt', new RondoError('ABORTED', 'interrupted', { rank: 1 })],
  ])('does not restart %s', async (_, error) => {
    const launch = vi.fn(async () => Promise.reject(error))
    setLauncher({ launch, slots: async () => 2 })
    await expect(notebookLauncher(add, [1, 2], { maxRestarts: 5 })).rejects.toBe(error)
    expect(launch).toHaveBeenCalledTimes(1)
    setLauncher(null)
  })

  it.each([
    [{ numProcesses: 0 }, /numProcesses is 0; it must be a whole number/],
    [{ numProcesses: 1.5 }, /numProcesses is 1.5/],
    [{ numProcesses: '2' }, /numProcesses is "2"/],
    [{ mixedPrecision: 'int4' }, /known are no, fp16, bf16, fp8/],
    [{ mixedPrecision: 'fp16' }, /new Fabric\(\{ precision: "16-mixed" \}\) in the function/],
    [{ mixedPrecision: 'bf16' }, /Use "no".*bf16-mixed/],
    [{ mixedPrecision: 'fp8' }, /fp8 units/],
    [{ nodeRank: 1 }, /nodeRank is 1 and numNodes is 1/],
    [{ numNodes: 2, nodeRank: -1 }, /nodeRank is -1 and numNodes is 2/],
    [{ numNodes: 2, nodeRank: 1 }, /session's link/],
    [{ numNodes: 0 }, /numNodes is 0/],
    [{ maxRestarts: -1 }, /maxRestarts is -1/],
    [{ rdzvBackend: 'c10d' }, /rdzvBackend is "c10d"/],
    [{ usePort: '1234' }, /usePort is "1234"/],
    [{ monitorInterval: 5 }, /monitorInterval is 5/],
    [{ numProcess: 2 }, /no option numProcess\. Known are numProcesses/],
  ])('refuses %j', async (options, message) => {
    const launcher = memoryLauncher()
    await expect(notebookLauncher(add, [1, 2], options as object)).rejects.toThrow(message)
    expect(launcher.requests).toEqual([])
  })

  it('accepts the values that upstream would take for options without meaning here', async () => {
    memoryLauncher()
    const upstream = { usePort: 29500, masterAddr: '127.0.0.1', rdzvBackend: 'static', rdzvId: 'none', nodeRank: 0 }
    expect(await notebookLauncher(add, [1, 2], { numProcesses: 2, mixedPrecision: 'no', ...upstream })).toBe(3)
  })

  it('refuses what is no function, no list of arguments, or nowhere to launch', async () => {
    await expect(notebookLauncher(3 as never)).rejects.toThrow(/Pass the function/)
    await expect(notebookLauncher(add, 3 as never)).rejects.toThrow(/args is of type number/)
    await expect(notebookLauncher(add, [1, 2], { numProcesses: 2 })).rejects.toThrow(/nobody here can start ranks/)
  })
})

describe('debugLauncher', () => {
  it('runs two ranks on the cpu backend inside this browser', async () => {
    const launcher = memoryLauncher()
    expect(await debugLauncher(add, [1, 1])).toBe(2)
    await debugLauncher(add, [1, 1], 1)
    expect(launcher.requests).toMatchObject([
      { call: 'debugLauncher', devices: 2, accelerator: 'cpu', processGroupBackend: 'port' },
      { devices: 1, accelerator: 'cpu' },
    ])
    await expect(debugLauncher(add, [1, 1], 0)).rejects.toThrow(/numProcesses is 0/)
  })
})

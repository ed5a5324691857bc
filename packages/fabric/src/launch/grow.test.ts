/** A script that was opened alone: its launch asks for ranks, swaps its place in the world, and refuses what cannot work. */
import { singleProcessGroup } from '@rondo/collectives'
import { expect, it } from 'vitest'
import { RankContext } from '../context.ts'
import { Fabric } from '../fabric.ts'
import { configOf, runRanks, type TestRank } from '../testing/ranks.ts'

/** The context that `rondo exec` gives the first rank: alone, and able to become `larger`. */
function alone(larger: TestRank, asked: number[]): RankContext {
  const { accelerator, files, signal } = larger.context
  const { group, seats, config, regroup, spans, idleSlots } = larger.context
  const context: RankContext = new RankContext({
    ...{ group: singleProcessGroup(), seats: [], accelerator, files, signal, emit: () => undefined },
    config: configOf(1, { growable: true }),
    grow: async (devices) => {
      asked.push(devices)
      context.enter({ group, seats, config, regroup, spans, idleSlots })
    },
  })
  return context
}

it('asks for the other ranks and goes on among them', async () => {
  const asked: number[] = []
  const sums = await runRanks(2, async (rank) => {
    const context = rank.context.group.rank === 0 ? alone(rank, asked) : rank.context
    const fabric = new Fabric({ devices: 2 }, context)
    expect(fabric.worldSize).toBe(rank.context.group.rank === 0 ? 1 : 2)
    await fabric.launch()
    await fabric.launch()
    expect([fabric.worldSize, fabric.globalRank]).toEqual([2, rank.context.group.rank])
    return fabric.allReduce(fabric.globalRank + 1, { op: 'sum' })
  })
  expect(sums).toEqual([3, 3])
  expect(asked).toEqual([2])
})

it('refuses what needs the others before launch, and several nodes', async () => {
  await runRanks(1, async (rank) => {
    const fabric = new Fabric({ devices: 4 }, alone(rank, []))
    await expect(fabric.barrier()).rejects.toMatchObject({ code: 'NOT_LAUNCHED' })
    await expect(fabric.barrier()).rejects.toThrow(/devices: 4.*await fabric\.launch\(\)/)
    expect(() => new Fabric({ devices: 2, numNodes: 2 }, alone(rank, []))).toThrow(
      /numNodes: 2.*rondo run --num-nodes=2 --devices=2/,
    )
  })
})

it.each([undefined, 1, 'auto'] as const)('asks nobody for devices %s: one rank is there already', async (devices) => {
  await runRanks(1, async (rank) => {
    const asked: number[] = []
    const fabric = new Fabric(devices === undefined ? {} : { devices }, alone(rank, asked))
    await fabric.launch()
    await fabric.barrier()
    expect([asked, fabric.worldSize]).toEqual([[], 1])
  })
})

it('runs a function on all ranks of the script, any number of times, and gives each its own value', async () => {
  const asked: number[] = []
  const train = async (fabric: Fabric, factor: number) => factor * (await fabric.allReduce(1, { op: 'sum' }))
  const values = await runRanks(
    2,
    async (rank) => {
      const context = rank.context.group.rank === 0 ? alone(rank, asked) : rank.context
      const fabric = new Fabric({ devices: 2 }, context)
      return [await fabric.launch(train, 3), await fabric.launch(train, 5)]
    },
    { config: { growable: true } },
  )
  expect(values).toEqual([
    [6, 10],
    [6, 10],
  ])
  expect(asked).toEqual([2])
})

it('refuses what is no function, takes no Fabric, or is to be spawned', async () => {
  await runRanks(1, async (rank) => {
    const fabric = new Fabric({ devices: 2 }, alone(rank, []))
    await expect(fabric.launch(3 as never)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    await expect(fabric.launch((() => 3) as never)).rejects.toThrow(/declares no parameter/)
    const spawn = new Fabric({ devices: 2, strategy: 'ddp_spawn' }, alone(rank, []))
    await expect(spawn.launch(async (each: Fabric) => each.worldSize)).rejects.toThrow(/ddp_spawn.*rondo exec.*"ddp"/)
  })
})

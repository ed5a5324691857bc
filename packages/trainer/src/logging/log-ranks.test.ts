/** log over ranks: groups of ranks, equal lists, and what happens when one rank logs otherwise, is late or dies. */
import { column, DataLoader, InMemoryDataset } from '@rondo/data'
import { tf } from '@rondo/engine'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { runRanks } from '../../../fabric/src/testing/ranks.ts'
import { RondoModule } from '../module/module.ts'
import { Line, lineLoader, onRanks, trainerOn } from '../testing/line.ts'

class Writes extends Line {
  readonly write: (module: Writes, index: number) => void
  constructor(write: Writes['write']) {
    super()
    this.write = write
  }
  override trainingStep(batch: tf.Tensor[], index?: number): tf.Tensor {
    this.write(this, index ?? 0)
    return this.loss(batch)
  }
  override validationStep(_: unknown, index?: number): void {
    this.write(this, index ?? 0)
  }
}

const fit = (worldSize: number, write: Writes['write'], options = {}) =>
  onRanks(
    worldSize,
    async (trainer) => {
      await trainer.fit(new Writes(write), lineLoader(worldSize * 8))
      return trainer.callbackMetrics
    },
    options,
  )
const validate = (worldSize: number, write: Writes['write']) =>
  onRanks(worldSize, async (trainer) => {
    await trainer.validate(new Writes(write), lineLoader(worldSize * 4))
    return trainer.callbackMetrics
  })

afterEach(() => {
  vi.restoreAllMocks()
})

describe('syncDistGroup', () => {
  it('reduces over its ranks; a rank outside keeps its own value', async () => {
    const group = (rank: number) => (rank < 2 ? [0, 1] : rank === 2 ? [2] : [0, 1])
    const write: Writes['write'] = (self) =>
      self.log('rank', self.globalRank, { syncDist: true, syncDistGroup: group(self.globalRank) })
    expect((await validate(4, write)).map((metrics) => metrics['rank'])).toEqual([0.5, 0.5, 2, 3])
    expect((await fit(4, write)).map((metrics) => metrics['rank'])).toEqual([0.5, 0.5, 2, 3])
  })
})

describe.each([
  ['a training step', fit],
  ['validation', validate],
] as const)('in %s', (what, run) => {
  it('a key logged only on rank 1 is reported as missing on the others', async () => {
    const write: Writes['write'] = (self) => {
      self.log('both', 1, { syncDist: true })
      if (self.globalRank === 1) self.log('extra', 1, { syncDist: true })
    }
    await expect(run(3, write)).rejects.toThrow(
      new RegExp(`${what}.*rank 0 did not log "extra"; rank 2 did not log "extra"`),
    )
  })

  it('another order is named', async () => {
    const write: Writes['write'] = (self) => {
      for (const name of self.globalRank === 1 ? ['b', 'a'] : ['a', 'b']) self.log(name, 1, { syncDist: true })
    }
    await expect(run(2, write)).rejects.toThrow(/rank 1 logged "b", "a".*rank 0 logged "a", "b"/)
  })
})

it('values of equal lists travel as numbers, of min, max, sum and mean alike', async () => {
  const write: Writes['write'] = (self) => {
    for (const reduceFx of ['mean', 'min', 'max', 'sum'] as const) {
      self.log(reduceFx, self.globalRank + 1, { reduceFx, syncDist: true, onStep: true, onEpoch: false })
    }
  }
  for (const metrics of await fit(2, write)) expect(metrics).toMatchObject({ mean: 1.5, min: 1, max: 2, sum: 3 })
})

it('a late rank is waited for; a dead one is named, and nobody hangs', async () => {
  const late = onRanks(2, async (trainer, { context }) => {
    class Late extends Writes {
      override async onTrainBatchEnd(): Promise<void> {
        if (context.group.rank === 1) await new Promise((resolve) => setTimeout(resolve, 60))
      }
    }
    await trainer.fit(new Late((self) => self.log('v', self.globalRank, { syncDist: true })), lineLoader(8))
    return trainer.callbackMetrics['v']
  })
  expect(await late).toEqual([0.5, 0.5])
  const dead = runRanks(2, async (rank, mesh) => {
    class Dies extends Writes {
      override onTrainBatchEnd(): void {
        if (rank.context.group.rank === 1) mesh.kill(1, 'tab closed')
      }
    }
    await trainerOn(rank).fit(new Dies((self) => self.log('v', 1, { syncDist: true })), lineLoader(16))
  })
  await expect(dead).rejects.toMatchObject({ name: 'RondoError' })
})

describe('once', () => {
  it('a batch whose tensors disagree about its size is warned of, unless batchSize is given', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    // Samples hold three rows of x and one of y; joined, x leads with 3 and y with 1 a sample.
    const collate = () => [column(new Float32Array(6), [6, 1]), column(new Float32Array(2), [2, 1])] as never
    const data = new InMemoryDataset([column(new Float32Array(4), [4, 1]), column(new Float32Array(4), [4, 1])])
    const run = (options: object) =>
      onRanks(1, async (trainer) => {
        const module = new Writes((self) => self.log('v', 1, options))
        await trainer.validate(module, new DataLoader(data as never, { batchSize: 2, collate }))
      })
    await run({ batchSize: 2 })
    expect(warn).not.toHaveBeenCalled()
    await run({})
    expect(warn.mock.calls).toHaveLength(1)
    expect(warn.mock.calls[0]?.[0]).toMatch(/leading dimensions 6, 2.*batchSize/)
  })

  it('an integer is converted to a float with a note', async () => {
    const info = vi.spyOn(console, 'info').mockImplementation(() => {})
    const [metrics] = await validate(1, (self) => self.log('count', tf.scalar(2 ** 24 + 1, 'int32')))
    expect(metrics?.['count']).toBe(2 ** 24 + 1)
    expect(info.mock.calls.filter(([line]) => /int32/.test(String(line)))).toHaveLength(1)
  })
})

describe('refusals in a run of several ranks', () => {
  it('name the rank', async () => {
    const write: Writes['write'] = (self) => {
      if (self.globalRank === 1) self.log('v', tf.zeros([2]))
    }
    await expect(validate(2, write)).rejects.toMatchObject({
      rank: 1,
      message: expect.stringMatching(/^Rank 1: .*\[2\]/),
    })
  })

  it('log under barebones is refused', async () => {
    await expect(fit(1, (self) => self.log('v', 1), { barebones: true })).rejects.toThrow(/barebones/)
  })

  it('log in a module that no trainer runs is refused', () => {
    expect(() => new RondoModule().log('v', 1)).toThrow(/no trainer/)
  })
})

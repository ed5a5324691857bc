/** Loggers on ranks: rank 0's values reach files of the run, at the last at the rank's end, and nobody else writes. */
import { CSVLogger, Logger, TensorBoardLogger } from '@rondo/loggers'
import { expect, it } from 'vitest'
import { Fabric } from '../fabric.ts'
import { folder } from '../testing/checkpoints.ts'
import { runRanks } from '../testing/ranks.ts'

class Lines extends Logger {
  readonly name = 'lines'
  readonly version = 0
  readonly lines: string[] = []
  override logMetrics(metrics: Readonly<Record<string, number>>, step: number): void {
    this.lines.push(`${step} ${JSON.stringify(metrics)}`)
  }
  override async finalize(status: string): Promise<void> {
    this.lines.push(status)
  }
}

it.each([1, 2, 4])('on %d ranks rank 0 alone writes, with the same version on all', async (worldSize) => {
  const { files, io } = folder()
  const versions = await runRanks(
    worldSize,
    async ({ context }) => {
      const own = new Lines()
      const loggers = [new CSVLogger(), new CSVLogger(), new TensorBoardLogger({ name: 'tb' }), own]
      const fabric = new Fabric({ loggers }, context)
      await fabric.launch()
      fabric.log('loss', context.group.rank + 1, 0)
      fabric.logDict({ loss: 0.5, accuracy: 1 }, 1)
      await context.finalizeLoggers('failed')
      await fabric.barrier()
      expect(own.lines).toEqual(
        context.group.rank === 0 ? ['0 {"loss":1}', '1 {"loss":0.5,"accuracy":1}', 'failed'] : [],
      )
      return loggers.map(({ version }) => version)
    },
    { files: () => io },
  )
  expect(versions).toEqual(Array.from({ length: worldSize }, () => [0, 1, 0, 0]))
  const text = (name: string): string => new TextDecoder().decode(files.get(name))
  for (const version of [0, 1]) {
    expect(text(`lightning_logs/version_${version}/metrics.csv`)).toBe('step,loss,accuracy\n0,1,\n1,0.5,1\n')
  }
  expect(
    [...files.keys()].filter((name) => /^tb\/version_0\/events\.out\.tfevents\.\d+\.test_node$/.test(name)),
  ).toHaveLength(1)
})

it('a logger that cannot write is told of, and training goes on', async () => {
  const broken = { write: async () => Promise.reject(new Error('disk full')), read: async () => Promise.reject() }
  await runRanks(
    1,
    async ({ context }) => {
      const fabric = new Fabric({ loggers: new CSVLogger({ flushLogsEveryNSteps: 1 }) }, context)
      fabric.log('loss', 1, 0)
      await expect(fabric.logger?.save()).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
      await context.finalizeLoggers('success')
    },
    { files: () => broken as never },
  )
})

/** Loggers of one's own with a Trainer: what they get, in which files, and how they end. */
import { CSVLogger, TensorBoardLogger } from '@rondo/loggers'
import { expect, it } from 'vitest'
import { folder } from '../../../fabric/src/testing/checkpoints.ts'
import { runRanks } from '../../../fabric/src/testing/ranks.ts'
import { Line, lineLoader, trainerOn } from '../testing/line.ts'

it.each([1, 2])('a CSV logger and a TensorBoard logger have every logged step, on %d ranks', async (worldSize) => {
  const { files, io } = folder()
  await runRanks(
    worldSize,
    async (rank) => {
      const where = { rootDir: 'logs', name: 'line', version: 0 }
      const logger = [new CSVLogger(where), new TensorBoardLogger(where)]
      const trainer = trainerOn(rank, { logger, logEveryNSteps: 1, numSanityValSteps: 0 })
      const module = new Line()
      await trainer.fit(module, lineLoader(16), lineLoader(4))
      await trainer.test(module, lineLoader(4))
    },
    { files: () => io },
  )
  const text = new TextDecoder().decode(files.get('logs/line/version_0/metrics.csv'))
  const [header, ...rows] = text.trim().split('\n')
  expect(header).toBe('step,epoch,train_loss,val_loss,test_loss')
  expect(rows.filter((row) => /^\d+,0,[\d.e-]+,,$/.test(row))).toHaveLength(4 / worldSize)
  expect(rows.at(-1)).toMatch(/^\d+,\d+,,,[\d.e-]+$/)
  expect([...files.keys()].some((name) => name.startsWith('logs/line/version_0/events.out.tfevents.'))).toBe(true)
})

it('what was logged is written when a step throws', async () => {
  const { files, io } = folder()
  class Failing extends Line {
    override trainingStep(batch: never): never {
      super.trainingStep(batch)
      if ((this.trainer?.globalStep ?? 0) === 2) throw new Error('broke')
      return super.trainingStep(batch) as never
    }
  }
  const run = runRanks(
    1,
    async (rank) => trainerOn(rank, { logger: new CSVLogger(), logEveryNSteps: 1 }).fit(new Failing(), lineLoader(16)),
    { files: () => io },
  )
  await expect(run).rejects.toThrow('broke')
  expect(new TextDecoder().decode(files.get('lightning_logs/version_0/metrics.csv')).trim().split('\n')).toHaveLength(3)
})

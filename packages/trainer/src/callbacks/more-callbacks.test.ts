/** Timer, accumulation by epoch, checkpoints on errors, and figures of the device. */
import { describe, expect, it } from 'vitest'
import { runRanks } from '../../../fabric/src/testing/ranks.ts'
import { Line, lineLoader, onRanks, trainerOn } from '../testing/line.ts'
import { Callback } from './callback.ts'
import { DeviceStatsMonitor } from './device-stats-monitor.ts'
import { GradientAccumulationScheduler } from './gradient-accumulation-scheduler.ts'
import { OnExceptionCheckpoint } from './on-exception-checkpoint.ts'
import { Timer } from './timer.ts'

describe('Timer', () => {
  it('ends training on all ranks when its time is over, and counts time before a checkpoint', async () => {
    const steps = await onRanks(
      2,
      async (trainer) => {
        const timer = new Timer({ duration: { hours: 1 }, verbose: false })
        // An hour less than nothing was left when the checkpoint was made, on one rank.
        if (trainer.globalRank === 1) timer.loadStateDict({ train: 3_600_000 })
        trainer.callbacks.push(timer)
        await trainer.fit(new Line(), lineLoader(32))
        expect(timer.timeElapsed()).toBeGreaterThan(0)
        expect(timer.stateDict()['train']).toBe(timer.timeElapsed() * 1000)
        return trainer.globalStep
      },
      { maxEpochs: 5 },
    )
    expect(steps).toEqual([1, 1])
  })

  it('looks once an epoch when told so, and never ends without a duration', async () => {
    const [step] = await onRanks(
      1,
      async (trainer) => {
        const timer = new Timer({ duration: '00:00:00:00', interval: 'epoch', verbose: false })
        trainer.callbacks.push(timer, new Timer())
        await trainer.fit(new Line(), lineLoader(12))
        expect(timer.timeRemaining()).toBeLessThan(0)
        expect(new Timer().timeRemaining()).toBe(Number.POSITIVE_INFINITY)
        return trainer.globalStep
      },
      { maxEpochs: 5 },
    )
    expect(step).toBe(3)
  })

  it('refuses what is no duration or interval', () => {
    expect(() => new Timer({ time: 3 } as never)).toThrow(/Timer\({ time }\).*duration, interval, verbose/)
    expect(() => new Timer({ duration: { hours: -1 } })).toThrow(/duration/)
    expect(new Timer({ duration: { days: 1, hours: 2, minutes: 3, seconds: 4 } }).timeRemaining()).toBe(93_784)
    expect(new Timer({ duration: '01:02:03:04' }).timeRemaining()).toBe(93_784)
    expect(() => new Timer({ duration: 'soon' })).toThrow(/Timer\({ duration }\) is "soon".*DD:HH:MM:SS/)
    expect(() => new Timer({ interval: 'batch' as never })).toThrow(/"step" and "epoch"/)
  })
})

describe('GradientAccumulationScheduler', () => {
  it('changes the number of batches a step by epoch', async () => {
    const [steps] = await onRanks(
      1,
      async (trainer) => {
        const seen: number[] = []
        const scheduler = new GradientAccumulationScheduler({ 1: 4, 2: 2 })
        const watch = Object.assign(new Callback(), { onTrainEpochEnd: () => void seen.push(trainer.globalStep) })
        trainer.callbacks.push(scheduler, watch)
        await trainer.fit(new Line(), lineLoader(16))
        return seen
      },
      { maxEpochs: 4 },
    )
    expect(steps).toEqual([4, 5, 7, 9])
  })

  it('refuses a table that is none, and a second opinion', async () => {
    for (const table of [{}, { 0: 0 }, { x: 2 }, { 1: 1.5 }, { [-1]: 2 }, { 0: -2 }]) {
      expect(() => new GradientAccumulationScheduler(table)).toThrow(/epoch: batches/)
    }
    const callbacks = new GradientAccumulationScheduler({ 0: 2 })
    const fit = onRanks(1, (trainer) => trainer.fit(new Line(), lineLoader(8)), { accumulateGradBatches: 2, callbacks })
    await expect(fit).rejects.toThrow(/accumulateGradBatches: 2/)
    class ByHand extends Line {
      override automaticOptimization = false
    }
    const byHand = onRanks(1, (trainer) => trainer.fit(new ByHand(), lineLoader(8)), { callbacks })
    await expect(byHand).rejects.toThrow(/automaticOptimization = false/)
  })
})

it('OnExceptionCheckpoint keeps the state before an error, and fit goes on from it', async () => {
  await runRanks(2, async (rank) => {
    const saved = new OnExceptionCheckpoint({ dirpath: '', filename: 'crash' })
    const trainer = trainerOn(rank, { maxEpochs: 2, callbacks: [saved] })
    class Failing extends Line {
      override onTrainBatchStart(): void {
        if (trainer.globalStep === 3) throw new RangeError('diverged')
      }
    }
    await expect(trainer.fit(new Failing(), lineLoader(16))).rejects.toThrow('diverged')
    await trainer.gather('both ranks have failed')
    const again = trainerOn(rank, { maxEpochs: 2 })
    const steps: number[] = []
    again.callbacks.push(Object.assign(new Callback(), { onTrainBatchEnd: () => void steps.push(again.globalStep) }))
    await again.fit(new Line(), lineLoader(16), { ckptPath: saved.path })
    expect(steps).toEqual([4])
  })
  expect(() => new OnExceptionCheckpoint({ filename: 'a/b' })).toThrow(/a\/b/)
  expect(() => new OnExceptionCheckpoint({ path: 'a' } as never)).toThrow(/dirpath, filename/)
})

it('DeviceStatsMonitor logs what the device holds, and refuses to without a logger', async () => {
  expect(() => new DeviceStatsMonitor({ cpuStats: true })).toThrow(/cpuStats.*no options/)
  const [row] = await onRanks(
    1,
    async (trainer) => {
      trainer.callbacks.push(new DeviceStatsMonitor())
      await trainer.fit(new Line(), lineLoader(8))
      return trainer.history[0]
    },
    { logEveryNSteps: 1 },
  )
  expect(row?.['DeviceStatsMonitor.on_train_batch_start/numTensors']).toBeGreaterThan(0)
  expect(row?.['DeviceStatsMonitor.on_train_batch_end/numBytes']).toBeGreaterThan(0)
  const silent = onRanks(1, (trainer) => trainer.fit(new Line(), lineLoader(8)), {
    logger: false,
    callbacks: new DeviceStatsMonitor(),
  })
  await expect(silent).rejects.toThrow(/logger: false/)
})

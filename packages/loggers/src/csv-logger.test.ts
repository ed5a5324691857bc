import { describe, expect, it } from 'vitest'
import { CSVLogger, nextVersion } from './csv-logger.ts'
import type { FileSink } from './logger.ts'

/** A disk in memory that counts its writes and can be full. */
class Disk implements FileSink {
  readonly files = new Map<string, string>()
  readonly calls: string[] = []
  full = false
  async write(path: string, content: string | Uint8Array): Promise<void> {
    if (this.full) throw new Error('disk full')
    this.calls.push('write')
    this.files.set(path, String(content))
  }
  async append(path: string, content: string | Uint8Array): Promise<void> {
    if (this.full) throw new Error('disk full')
    this.calls.push('append')
    this.files.set(path, (this.files.get(path) ?? '') + String(content))
  }
}
const make = (sink: FileSink, more: Partial<ConstructorParameters<typeof CSVLogger>[0]> = {}) =>
  new CSVLogger({ rootDir: 'out', version: 0, sink, ...more })
const PATH = 'out/lightning_logs/version_0/metrics.csv'

describe('CSVLogger', () => {
  it('writes rows, grows columns by rewriting, appends otherwise', async () => {
    const disk = new Disk()
    const logger = make(disk)
    logger.logMetrics({ loss: 0.5 }, 0)
    await logger.save()
    logger.logMetrics({ loss: 0.25 }, 1)
    await logger.save()
    expect(disk.files.get(PATH)).toBe('step,loss\n0,0.5\n1,0.25\n')
    logger.logMetrics({ accuracy: 0.9, 'a,"b"': Number.NaN }, 2)
    await logger.finalize('success')
    expect(disk.files.get(PATH)).toBe('step,loss,accuracy,"a,""b"""\n0,0.5,,\n1,0.25,,\n2,,0.9,NaN\n')
    expect(disk.calls).toEqual(['write', 'append', 'write'])
  })

  it('writes whole files where the sink cannot append', async () => {
    const disk = new Disk()
    const logger = make({ write: (path, text) => disk.write(path, text) })
    for (const step of [0, 1]) {
      logger.logMetrics({ loss: step }, step)
      await logger.save()
    }
    expect(disk.files.get(PATH)).toBe('step,loss\n0,0\n1,1\n')
  })

  it('flushes by itself after so many steps, whatever the spacing of the rows', async () => {
    const disk = new Disk()
    const logger = make(disk, { flushLogsEveryNSteps: 10 })
    const stored = async (...steps: number[]) => {
      for (const step of steps) logger.logMetrics({ loss: step }, step)
      await new Promise(setImmediate)
      return disk.files.get(PATH)?.trim().split('\n').at(-1)
    }
    expect(await stored(0, 4, 8)).toBeUndefined()
    expect(await stored(12)).toBe('12,12')
    expect(await stored(16, 20)).toBe('12,12')
    expect(await stored(24)).toBe('24,24')
  })

  it('names its folder by name and version, and its metrics by prefix', async () => {
    const disk = new Disk()
    const logger = make(disk, { rootDir: 'runs', name: '', version: 'abc', prefix: 'val' })
    logger.logMetrics({ loss: 1 }, 3)
    logger.logHyperparams({ lr: 0.1, layers: [1, 2] })
    await logger.save()
    expect(disk.files.get('runs/abc/metrics.csv')).toBe('step,val-loss\n3,1\n')
    expect(JSON.parse(disk.files.get('runs/abc/hparams.yaml') as string)).toEqual({ lr: 0.1, layers: [1, 2] })
  })

  it('keeps rows through a failing disk and reports it at save', async () => {
    const disk = new Disk()
    const logger = make(disk, { flushLogsEveryNSteps: 1 })
    disk.full = true
    logger.logMetrics({ loss: 1 }, 0)
    await expect(logger.save()).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.stringMatching(/disk full/),
    })
    disk.full = false
    logger.logMetrics({ loss: 2 }, 1)
    await logger.finalize('failed')
    expect(disk.files.get(PATH)).toBe('step,loss\n0,1\n1,2\n')
  })

  it('refuses what is no number, its own column, a bad interval, and calls after the end', async () => {
    const logger = make(new Disk())
    expect(() => logger.logMetrics({ loss: 'low' as unknown as number }, 0)).toThrow(/loss is low/)
    expect(() => logger.logMetrics({ step: 1 }, 0)).toThrow(/own column/)
    expect(() => make(new Disk(), { flushLogsEveryNSteps: 0 })).toThrow(/is 0; allowed/)
    await logger.finalize('aborted')
    expect(() => logger.logMetrics({ loss: 1 }, 0)).toThrow(/after finalize/)
  })
})

it('nextVersion is one above the highest', () => {
  expect(nextVersion([])).toBe(0)
  expect(nextVersion(['version_0', 'version_9', 'version_x', 'best'])).toBe(10)
})

import { describe, expect, it } from 'vitest'
import { CSVLogger } from './csv-logger.ts'
import { nextVersion } from './log-folder.ts'
import { type FileSink, Logger } from './logger.ts'
import { Disk, hostOn } from './testing/disk.ts'

const make = (sink: FileSink, more: Partial<ConstructorParameters<typeof CSVLogger>[0]> = {}) =>
  new CSVLogger({ rootDir: 'out', version: 0, sink, ...more } as ConstructorParameters<typeof CSVLogger>[0])
const PATH = 'out/lightning_logs/version_0/metrics.csv'

describe('CSVLogger', () => {
  it('writes rows, grows columns by rewriting, appends otherwise', async () => {
    const disk = new Disk()
    const logger = make(disk)
    logger.logMetrics({ loss: 0.5 }, 0)
    await logger.save()
    logger.logMetrics({ loss: 0.25 }, 1)
    await logger.save()
    expect(disk.text(PATH)).toBe('step,loss\n0,0.5\n1,0.25\n')
    logger.logMetrics({ accuracy: 0.9, 'a,"b"': Number.NaN }, 2)
    await logger.finalize('success')
    expect(disk.text(PATH)).toBe('step,loss,accuracy,"a,""b"""\n0,0.5,,\n1,0.25,,\n2,,0.9,NaN\n')
    expect(disk.calls).toEqual(['write', 'append', 'write'])
  })

  it('writes whole files where the sink cannot append', async () => {
    const disk = new Disk()
    const logger = make({ write: (path, text) => disk.write(path, text) })
    for (const step of [0, 1]) {
      logger.logMetrics({ loss: step }, step)
      await logger.save()
    }
    expect(disk.text(PATH)).toBe('step,loss\n0,0\n1,1\n')
  })

  it('flushes by itself after so many steps, whatever the spacing of the rows', async () => {
    const disk = new Disk()
    const logger = make(disk, { flushLogsEveryNSteps: 10 })
    const stored = async (...steps: number[]) => {
      for (const step of steps) logger.logMetrics({ loss: step }, step)
      await new Promise(setImmediate)
      return disk.text(PATH)?.trim().split('\n').at(-1)
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
    expect(disk.text('runs/abc/metrics.csv')).toBe('step,val-loss\n3,1\n')
    expect(JSON.parse(disk.text('runs/abc/hparams.yaml') as string)).toEqual({ lr: 0.1, layers: [1, 2] })
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
    expect(disk.text(PATH)).toBe('step,loss\n0,1\n1,2\n')
  })

  it('refuses what is no number, its own column, and a bad interval', () => {
    const logger = make(new Disk())
    expect(() => logger.logMetrics({ loss: 'low' as unknown as number }, 0)).toThrow(/loss is low/)
    expect(() => logger.logMetrics({ step: 1 }, 0)).toThrow(/own column/)
    expect(() => make(new Disk(), { flushLogsEveryNSteps: 0 })).toThrow(/is 0; allowed/)
  })

  it('goes on after finalize, as a test after a fit does', async () => {
    const disk = new Disk()
    const logger = make(disk)
    logger.logMetrics({ loss: 1 }, 5)
    await logger.finalize('success')
    logger.logMetrics({ test_loss: 2 }, 5)
    await logger.finalize('success')
    expect(disk.text(PATH)).toBe('step,loss,test_loss\n5,1,\n5,,2\n')
  })

  it('holds no written rows, however long a run is, and its file is whole after every flush', async () => {
    const disk = new Disk()
    const logger = make(disk, { flushLogsEveryNSteps: 10 })
    for (let step = 0; step < 1000; step++)
      logger.logMetrics(step < 500 ? { loss: step } : { loss: step, late: 1 }, step)
    await logger.save()
    const rows = disk.text(PATH)?.trim().split('\n') ?? []
    expect([rows.length, rows[0], rows[1], rows.at(-1)]).toEqual([1001, 'step,loss,late', '0,0,', '999,999,1'])
    expect(disk.calls.filter((call) => call === 'write').length).toBeLessThanOrEqual(2)
  })
})

describe('a folder in the run', () => {
  const csv = (disk: Disk, options: ConstructorParameters<typeof CSVLogger>[0] = {}, writes = true) => {
    const logger = new CSVLogger(options)
    logger.attach(hostOn(disk, writes))
    return logger
  }
  const write = async (logger: CSVLogger) => {
    logger.logMetrics({ loss: 1 }, 0)
    await logger.save()
  }

  it('has the next free number, of the loggers of this run and of what is stored', async () => {
    const disk = new Disk()
    disk.bytes.set('logs/net/version_4/metrics.csv', new Uint8Array(0))
    const host = hostOn(disk)
    const [a, b] = [new CSVLogger({ rootDir: './logs/', name: 'net' }), new CSVLogger({ rootDir: 'logs', name: 'net' })]
    for (const logger of [a, b]) logger.attach(host)
    await write(a)
    await write(b)
    expect([a.version, b.version, a.logDir]).toEqual([5, 6, 'logs/net/version_5'])
    expect([...disk.bytes.keys()].sort()).toEqual([4, 5, 6].map((n) => `logs/net/version_${n}/metrics.csv`))
  })

  it('is lightning_logs/version_0 by default, and the given version is kept', async () => {
    const disk = new Disk()
    await write(csv(disk))
    await write(csv(disk, { version: 0, name: 'again' }))
    await write(csv(disk, { version: 'best', name: '' }))
    expect([...disk.bytes.keys()]).toEqual([
      'lightning_logs/version_0/metrics.csv',
      'again/version_0/metrics.csv',
      'best/metrics.csv',
    ])
  })

  it('is written by rank 0 alone', async () => {
    const disk = new Disk()
    await write(csv(disk, {}, false))
    expect(disk.bytes.size).toBe(0)
  })

  it.each([
    { rootDir: '/etc' },
    { rootDir: '../other' },
    { rootDir: 'a/../../b' },
    { name: '.hidden' },
    { name: 'a b' },
    { version: '../x' },
    { version: '' },
    { version: -1 },
    { version: 1.5 },
    { rootDir: 'a/b/c/d', name: 'e' },
  ])('is inside of the run: refuses %j', (options) => {
    expect(() => new CSVLogger(options)).toThrow(/CSVLogger: (rootDir|version).*Allowed is/)
  })

  it('cannot be where there is no run', () => {
    expect(() => new CSVLogger().logMetrics({ loss: 1 }, 0)).toThrow(/there is no run here/)
  })
})

it('a logger of one’s own needs a name, a version and logMetrics', async () => {
  const lines: string[] = []
  class Lines extends Logger {
    readonly name = 'lines'
    readonly version = 'v1'
    override logMetrics(metrics: Readonly<Record<string, number>>, step: number): void {
      lines.push(`${step} ${JSON.stringify(metrics)}`)
    }
  }
  const logger: Logger = new Lines()
  logger.attach(hostOn(new Disk()))
  logger.logHyperparams({ lr: 1 })
  logger.logMetrics({ loss: 2 }, 3)
  await logger.finalize('success')
  expect([lines, logger.logDir, logger.rootDir]).toEqual([['3 {"loss":2}'], null, ''])
})

it('nextVersion is one above the highest', () => {
  expect(nextVersion([])).toBe(0)
  expect(nextVersion(['version_0', 'version_9', 'version_x', 'best'])).toBe(10)
})

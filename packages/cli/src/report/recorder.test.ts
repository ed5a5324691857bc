/** The report and the CSV on disk, for runs that end well, fail, or are stopped in the middle. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunReport, WireError } from '@rondo/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { link, progress, rankReport, runState, seat, setup } from '../testing/events.ts'
import { RankLogs } from './rank-logs.ts'
import { median } from './rank-record.ts'
import { RunRecorder } from './recorder.ts'

let root: string
let folder: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rondo-recorder-'))
  folder = join(root, 'runs', 'r1')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function recorder(copyTo?: string): RunRecorder {
  const made = new RunRecorder({ runId: 'r1', script: 'train.ts', folder, copyTo })
  made.state(runState([seat(0), seat(1)]))
  made.event(0, { kind: 'ready', links: [link(0, 1)] })
  made.event(1, { kind: 'ready', links: [link(1, 0)] })
  made.event(0, setup({ precision: '16-mixed: weights f32, arithmetic f32, wire f16' }))
  made.event(1, setup())
  return made
}

const onDisk = (): RunReport => JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as RunReport

describe('a run that ends well', () => {
  it('reports what the ranks handed in, the last metrics and every link', async () => {
    const made = recorder(join(root, 'copies', 'report.json'))
    made.event(0, progress(1, { loss: 2, links: [link(0, 1, 'webrtc', 77)] }))
    made.event(0, { kind: 'metrics', step: 1, values: { test_accuracy: 0.5, step: 1 } })
    made.event(0, progress(2, { loss: 1 }))
    made.event(0, { kind: 'metrics', step: 2, values: { test_accuracy: 0.9 } })
    for (const rank of [0, 1]) made.event(rank, { kind: 'done', report: rankReport(rank, { result: { rank } }) })
    const report = await made.finish({ status: 'done', error: null })
    expect(report).toMatchObject({
      run: 'r1',
      script: 'train.ts',
      status: 'done',
      strategy: 'ddp',
      worldSize: 2,
      precision: '16-mixed',
      codec: 'f16',
      processGroupBackend: 'auto',
      metrics: { test_accuracy: 0.9, loss: 1 },
      links: [
        { from: 0, to: 1, carrier: 'webrtc', bytesSent: 77 },
        { from: 1, to: 0, carrier: 'webrtc', bytesSent: 0 },
      ],
    })
    expect(report.ranks.map((rank) => rank.result)).toEqual([{ rank: 0 }, { rank: 1 }])
    expect(report.samplesPerSecond).toBeGreaterThan(0)
    expect('error' in report).toBe(false)
    expect(onDisk()).toEqual(report)
    expect(readFileSync(join(root, 'copies', 'report.json'), 'utf8')).toBe(
      readFileSync(join(folder, 'report.json'), 'utf8'),
    )
  })

  it('writes a row a step of rank 0, with columns that grow', async () => {
    const made = recorder()
    made.event(0, progress(1, { loss: 2, epoch: 0 }))
    made.event(1, progress(1, { loss: 9 }))
    made.event(0, { kind: 'metrics', step: 1, values: { accuracy: 0.5 } })
    await made.finish({ status: 'done', error: null })
    const [header, first, second] = readFileSync(join(folder, 'metrics.csv'), 'utf8').split('\n')
    expect(header?.split(',').slice(0, 3)).toEqual(['step', 'epoch', 'loss'])
    expect(header?.split(',').at(-1)).toBe('accuracy')
    expect(first?.startsWith('1,0,2,100')).toBe(true)
    expect(second?.endsWith(',0.5')).toBe(true)
  })
})

describe('a run that does not', () => {
  const error: WireError = { code: 'RANK_LOST', name: 'RondoError', message: 'rank 1 is gone', rank: 1 }

  it('tells what was known of ranks that never reported', async () => {
    const made = recorder()
    for (const total of [10, 30, 20]) {
      made.event(
        1,
        progress(total / 10, {
          times: { compute: total, readback: 0, communication: 0, exposedCommunication: 0, apply: 0, total },
        }),
      )
    }
    made.event(0, { kind: 'error', error, report: rankReport(0, { steps: 3 }) })
    const report = await made.finish({ status: 'failed', error })
    expect(report).toMatchObject({ status: 'failed', error })
    expect(report.ranks[0]?.steps).toBe(3)
    expect(report.ranks[1]).toMatchObject({ node: 'lab', steps: 3, samples: 96, weightsHash: null })
    expect(report.ranks[1]?.msPerStep).toMatchObject({ compute: 20, total: 20 })
  })

  it('writes a report even if nothing ever happened, and only once', async () => {
    const made = new RunRecorder({ runId: 'r1', script: 'train.ts', folder })
    const report = await made.finish({ status: 'stopped', error: null })
    expect(await made.finish({ status: 'done', error: null })).toBe(report)
    expect(onDisk()).toMatchObject({ status: 'stopped', worldSize: 0, ranks: [], samplesPerSecond: 0 })
    expect(existsSync(join(folder, 'metrics.csv'))).toBe(false)
  })
})

it('splits what ranks print into files', async () => {
  const logs = new RankLogs(join(root, 'logs'))
  logs.write(0, { kind: 'console', level: 'log', text: 'a' })
  logs.write(0, { kind: 'console', level: 'info', text: 'b' })
  logs.write(1, { kind: 'console', level: 'error', text: 'c' })
  await logs.close()
  expect(readFileSync(join(root, 'logs/rank.0/stdout'), 'utf8')).toBe('a\nb\n')
  expect(readFileSync(join(root, 'logs/rank.1/stderr'), 'utf8')).toBe('c\n')
})

it('takes the middle of odd and even numbers of values', () => {
  expect([[], [3], [3, 1, 2], [4, 1, 2, 3]].map(median)).toEqual([0, 3, 2, 2.5])
})

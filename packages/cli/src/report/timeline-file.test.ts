/** The timeline's file keeps the rules of the Trace Event Format: processes, threads, times, no overlap in a thread. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TimelineSpan } from '@rondo/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runState, seat } from '../testing/events.ts'
import { readTrace } from '../testing/trace.ts'
import { TimelineFile } from './timeline-file.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rondo-timeline-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const span = (lane: TimelineSpan['lane'], name: string, start: number, end: number, bytes?: number): TimelineSpan => ({
  lane,
  name,
  start,
  end,
  ...(bytes === undefined ? {} : { bytes }),
})

test('puts ranks on one clock, overlapping spans on rows of their own, and nodes into processes', async () => {
  const path = join(folder, 'deep', 'trace.json')
  const timeline = new TimelineFile(path)
  timeline.state(runState([seat(0), seat(1, { nodeRank: 1, nodeLabel: 'attic' })]))
  const clock = { offsetMs: 0, errorMs: 0 }
  timeline.event(0, { kind: 'timeline', clock, leftOut: 0, spans: [span('compute', 'forward', 100, 110)] })
  timeline.event(0, {
    kind: 'timeline',
    clock,
    leftOut: 0,
    spans: [
      span('communication', 'all-reduce bucket 0', 112, 120, 4096),
      span('communication', 'all-reduce bucket 1', 115, 125, 8192),
      span('communication', 'all-reduce bucket 2', 121, 126, 8192),
    ],
  })
  timeline.event(1, {
    kind: 'timeline',
    clock: { offsetMs: -5000, errorMs: 0.25 },
    leftOut: 7,
    spans: [span('compute', 'forward', 5099, 5111)],
  })
  const lines = await timeline.finish()
  expect(lines[0]).toContain('5 spans, clocks within 0.25 ms')
  expect(lines[1]).toContain('7 later spans')
  const { spans, otherData, faults } = readTrace(await readFile(path, 'utf8'))
  const at = (name: string, rank: number) => spans.find((event) => event.name === name && event.args.rank === rank)
  expect(faults).toEqual([])
  // Rank 1 began a millisecond earlier, once its clock is put right.
  expect(at('forward', 1)).toMatchObject({ pid: 1, ts: 0, dur: 12_000, cat: 'compute' })
  expect(at('forward', 0)).toMatchObject({ pid: 0, ts: 1000, dur: 10_000 })
  expect(at('all-reduce bucket 1', 0)?.args.bytes).toBe(8192)
  expect(at('all-reduce bucket 1', 0)?.tid).not.toBe(at('all-reduce bucket 0', 0)?.tid)
  expect(at('all-reduce bucket 2', 0)?.tid).toBe(at('all-reduce bucket 0', 0)?.tid)
  expect(otherData).toMatchObject({ run: 'r1', spansLeftOut: { 'rank 1': 7 }, clocks: { 'rank 0': clock } })
})

test('a run in which nothing happened has a file too', async () => {
  const path = join(folder, 'empty.json')
  await new TimelineFile(path).finish()
  expect(readTrace(await readFile(path, 'utf8'))).toMatchObject({ spans: [], faults: [] })
})

/** A rank's part of the timeline is told in batches, bounded, and to the end; clocks are measured from rank 0's. */
import { MAX_SPANS_PER_EVENT, MAX_TIMELINE_SPANS, type RankEvent, type TimelineEvent } from '@rondo/protocol'
import { expect, it } from 'vitest'
import { runRanks } from '../testing/ranks.ts'
import { measureClockOffset } from './clock-offset.ts'
import { RankTimeline } from './rank-timeline.ts'

const CLOCK = { offsetMs: 3, errorMs: 1 }
const span = (start: number) => ({ lane: 'compute' as const, name: 'forward', start, end: start + 1 })

function timeline(worldSize: number): { told: TimelineEvent[]; timeline: RankTimeline } {
  const told: TimelineEvent[] = []
  const emit = (event: RankEvent): void => {
    if (event.kind === 'timeline') told.push(event)
  }
  return { told, timeline: new RankTimeline(emit, CLOCK, worldSize) }
}

it('waits for a batch, tells the rest at the end, and each span at once from then on', () => {
  const { told, timeline: mine } = timeline(1)
  for (let i = 0; i < MAX_SPANS_PER_EVENT + 1; i++) mine.add(span(i))
  expect(told.map(({ spans }) => spans.length)).toEqual([MAX_SPANS_PER_EVENT])
  mine.close()
  mine.add(span(1000))
  expect(told.slice(1).map(({ spans }) => spans.map(({ start }) => start))).toEqual([[MAX_SPANS_PER_EVENT], [1000]])
  expect(told.every(({ clock }) => clock === CLOCK)).toBe(true)
})

it('keeps its share of the bound and counts what is beyond it', () => {
  const ranks = MAX_TIMELINE_SPANS / 100
  const { told, timeline: mine } = timeline(ranks)
  for (let i = 0; i < 130; i++) mine.add(span(i))
  mine.close()
  expect(told.flatMap(({ spans }) => spans)).toHaveLength(100)
  expect(told.at(-1)?.leftOut).toBe(30)
})

it('ranks with one clock find that they have one, within the error that they state', async () => {
  const offsets = await runRanks(3, ({ context }) => measureClockOffset(context.group, context.signal))
  expect(offsets[0]).toEqual({ offsetMs: 0, errorMs: 0 })
  for (const { offsetMs, errorMs } of offsets) expect(Math.abs(offsetMs)).toBeLessThanOrEqual(errorMs)
})

/**
 * A finished run's panel as a notebook keeps it: bounded, JSON, and checked when it is read, because a notebook may
 * come from anywhere. Pure. Not for: the report of a run (a file of its own).
 */
import { MIME, type MimeBundle } from '@rondo/kernel/output'
import { CANDIDATES, CARRIERS } from '@rondo/protocol'
import { plural } from '@rondo/ui'
import type { LossHistory } from '@rondo/ui/session'
import * as v from 'valibot'
import type { RunPanelView } from './panel-view.ts'

/** Lines of each console that a notebook keeps: the end tells how it ended. */
const MAX_FROZEN_LINES = 200
/** Characters of one kept line. */
const MAX_FROZEN_CHARS = 2_000
/** Ranks and points that a frozen panel may have; more comes from no run of ours. */
const MAX_RANKS = 64
const MAX_POINTS = 1_024

const Text = v.pipe(v.string(), v.maxLength(20_000))
const Rank = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_RANKS - 1))
const Ranks = v.pipe(v.array(Rank), v.maxLength(MAX_RANKS))
const Finite = v.pipe(v.number(), v.finite())
const Points = v.pipe(v.array(Finite), v.maxLength(MAX_POINTS))

const TimesSchema = v.object({
  compute: Finite,
  readback: Finite,
  communication: Finite,
  // Notebooks that were saved before it was measured lack it.
  exposedCommunication: v.optional(Finite, 0),
  apply: Finite,
  total: Finite,
})
const LossesSchema = v.object({
  stride: v.pipe(Finite, v.minValue(1)),
  ranks: v.record(v.pipe(v.string(), v.regex(/^\d{1,2}$/)), v.object({ sums: Points, counts: Points })),
})

const FrozenSchema = v.object({
  version: v.literal(1),
  title: Text,
  status: v.picklist(['waiting', 'running', 'done', 'failed', 'stopped']),
  headline: Text,
  detail: Text,
  training: v.nullable(
    v.object({
      // Notebooks that were saved before it could be switched off lack it.
      hasBar: v.optional(v.boolean(), true),
      share: v.nullable(Finite),
      text: Text,
      samplesPerSecond: Text,
      loss: Text,
      losses: LossesSchema,
      times: v.nullable(TimesSchema),
      hiddenMs: Finite,
    }),
  ),
  metrics: v.pipe(v.array(v.tuple([Text, Text])), v.maxLength(16)),
  ranks: v.pipe(
    v.array(
      v.object({
        rank: Rank,
        node: Text,
        tone: v.picklist(['ok', 'wait', 'work', 'warn', 'fail']),
        state: Text,
        device: Text,
      }),
    ),
    v.maxLength(MAX_RANKS),
  ),
  ring: v.object({
    model: v.object({
      seats: v.pipe(
        v.array(
          v.object({
            rank: Rank,
            state: v.picklist(['missing', 'present', 'working', 'done', 'failed', 'lost']),
            node: Text,
            mine: v.boolean(),
            lastSign: v.nullable(Text),
          }),
        ),
        v.maxLength(MAX_RANKS),
      ),
      links: v.pipe(
        v.array(
          v.object({
            from: Rank,
            to: Rank,
            carrier: v.picklist(CARRIERS),
            candidate: v.optional(v.picklist(CANDIDATES)),
            bytesSent: Finite,
            throughput: v.nullable(Finite),
            roundTripMs: v.nullable(Finite),
          }),
        ),
        v.maxLength(MAX_RANKS),
      ),
    }),
    centre: v.object({ title: Text, detail: Text }),
    beat: v.null(),
  }),
  consoles: v.object({
    groups: v.pipe(
      v.array(
        v.object({
          ranks: Ranks,
          lane: v.object({
            count: Finite,
            lines: v.pipe(
              v.array(
                v.object({
                  level: v.picklist(['log', 'info', 'warn', 'error', 'debug']),
                  text: Text,
                  digest: v.optional(v.number(), 0),
                }),
              ),
              v.maxLength(MAX_FROZEN_LINES),
            ),
          }),
        }),
      ),
      v.maxLength(MAX_RANKS),
    ),
    silent: Ranks,
  }),
})

/** The panel as a MIME bundle for the cell's outputs: Rondo's own form, and a line of text for other programs. */
export function freezeRun(view: RunPanelView): MimeBundle {
  const { training, ring, consoles } = view
  const frozen = {
    version: 1,
    ...view,
    training: training === null ? null : { ...training, losses: shortLosses(training.losses) },
    ring: { ...ring, beat: null },
    consoles: {
      silent: consoles.silent,
      groups: consoles.groups.map(({ ranks, lane }) => ({
        ranks,
        lane: {
          count: lane.count,
          lines: lane.lines
            .slice(-MAX_FROZEN_LINES)
            .map(({ level, text }) => ({ level, text: text.slice(0, MAX_FROZEN_CHARS) })),
        },
      })),
    },
  }
  return { 'text/plain': plainText(view), [MIME.run]: frozen }
}

/** The panel that a bundle holds; null for anything that {@link freezeRun} would not have written. */
export function thawRun(data: unknown): RunPanelView | null {
  const parsed = v.safeParse(FrozenSchema, data)
  return parsed.success ? parsed.output : null
}

/** Losses with five significant digits: a curve needs no more, and files stay small. */
function shortLosses({ stride, ranks }: LossHistory): LossHistory {
  const short = (values: readonly number[]) => values.map((value) => Number(value.toPrecision(5)))
  return {
    stride,
    ranks: Object.fromEntries(
      Object.entries(ranks).map(([rank, { sums, counts }]) => [rank, { sums: short(sums), counts: [...counts] }]),
    ),
  }
}

function plainText({ title, headline, training, metrics, ranks }: RunPanelView): string {
  const figures = [
    plural(ranks.length, 'rank'),
    ...(training === null ? [] : [`loss ${training.loss}`, `${training.samplesPerSecond} samples/s`]),
    ...metrics.map(([name, value]) => `${name} ${value}`),
  ]
  return `${title}: ${headline} (${figures.join(', ')})`
}

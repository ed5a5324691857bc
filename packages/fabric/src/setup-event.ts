/**
 * The one event with which a rank says what it really uses: device, precision, strategy, batch and learning
 * rate. Start banner, pages and report show it, so it must be the truth.
 */
import type { RankContext } from './context.ts'
import { RankPrecision } from './training/rank-precision.ts'

export interface TrainingFacts {
  learningRate: number | null
  /** Samples per batch of one rank. */
  batchSize: number | null
  /** Batches of this rank behind one step; absent where there was none. */
  accumulate?: number
  /** Number of parameter values. */
  parameters: number | null
}

/** Sends it, once a rank. */
export function sendSetup(context: RankContext, facts: TrainingFacts): void {
  if (context.announced) return
  context.announced = true
  const { accelerator: chosen, resolved } = context
  context.emit({
    kind: 'setup',
    accelerator: chosen?.name ?? 'none',
    adapter: describeAdapter(context),
    software: chosen?.adapter?.isFallback ?? false,
    reason: chosen?.reason ?? '',
    precision: precisionLine(context),
    strategy: resolved?.strategy.name ?? 'none',
    ...facts,
  })
}

/** `vendor architecture`, or null where there is no adapter. */
export function describeAdapter(context: RankContext): string | null {
  const adapter = context.accelerator?.adapter
  if (!adapter) return null
  return [adapter.vendor, adapter.architecture].filter(Boolean).join(' ') || adapter.description || 'unnamed adapter'
}

/** The requested value and what happens here. */
function precisionLine({ precision, resolved, models }: RankContext): string {
  const wire = models[0]?.replica.wire ?? 'f32'
  return (precision ?? new RankPrecision({ precision: resolved?.precision ?? '32-true' }, null)).describe(wire)
}

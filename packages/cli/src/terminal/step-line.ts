/** Where the time of a step went, as one line at the end of a run: medians of the rank that took longest. */
import type { RunReport, StepTimes } from '@rondo/protocol'

/** Null when no rank made a step. */
export function stepLine(ranks: RunReport['ranks']): string | null {
  const slowest = ranks.reduce<StepTimes | null>(
    (most, { msPerStep }) => (msPerStep.total > (most?.total ?? 0) ? msPerStep : most),
    null,
  )
  if (slowest === null) return null
  const { compute, readback, communication, exposedCommunication, apply, total } = slowest
  const network =
    communication > 0 ? ` · communication ${ms(communication)}, ${ms(exposedCommunication)} of it waited for` : ''
  return `a step takes ${ms(total)} ms: compute ${ms(compute)} · readback ${ms(readback)}${network} · apply ${ms(apply)}`
}

function ms(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0)
}

/** The refusal of loss scaling where ranks step alone: each would skip other steps and end at another scale. */
import { RondoError } from '@rondo/protocol'
import type { StrategyContext } from './strategy.ts'

/** Throws UNSUPPORTED when `context` asks for a loss scale; `what` takes steps without the other ranks. */
export function refuseLossScale(what: string, { group, precision }: StrategyContext): void {
  if (!precision?.scaler) return
  throw new RondoError(
    'UNSUPPORTED',
    `precision "16-mixed" with ${what}: its ranks step alone, so each would leave out other steps and scale its loss differently. Allowed are strategies that average gradients at every step, such as "ddp". Use precision "bf16-mixed", which needs no loss scale.`,
    group.worldSize > 1 ? { rank: group.rank } : {},
  )
}

/**
 * Metric objects that were logged, at the end of an epoch: states of all ranks are merged in rank order, so that every
 * rank gets the same number, also one that had no batch and never saw the metric.
 */
import { RondoError } from '@rondo/protocol'
import type { MetricStates } from '../metrics/metric.ts'
import type { Run } from '../run.ts'
import type { ResolvedLog } from './log-options.ts'
import type { Results } from './results.ts'
import { checkKeys } from './sync.ts'

/** A finished value with its options. */
export interface EpochValue {
  name: string
  options: ResolvedLog
  value: number
}

interface Contribution {
  took: boolean
  states: Record<string, MetricStates>
}

/** Collective. Errors: COLLECTIVE_MISMATCH when ranks logged other metrics, BAD_ARGUMENT when one gives no number. */
export async function metricValues(run: Run, results: Results, what: string): Promise<EpochValue[]> {
  const logged = results.allMetrics()
  const states: Contribution['states'] = {}
  for (const [key, { metric }] of logged) states[key] = await metric.states()
  const { group, signal } = run.context
  const mine: Contribution = { took: results.batches > 0, states }
  const all = group.worldSize === 1 ? [mine] : await group.allGatherObject(mine, { name: `metrics ${what}`, signal })
  checkKeys(
    all.map(({ took, states: theirs }) => ({ took, keys: Object.keys(theirs) })),
    what,
  )
  const values: Record<string, EpochValue> = {}
  for (const [key, { name, metric, options }] of logged) {
    const present = all.flatMap(({ states: theirs }) => {
      const found = theirs[key]
      return found === undefined ? [] : [found]
    })
    values[key] = { name, options, value: numberOf(name, metric.merged(present)) }
  }
  const keys = [...new Set(all.flatMap(({ states: theirs }) => Object.keys(theirs)))]
  const someLack = all.some(({ states: theirs }) => keys.some((key) => !Object.hasOwn(theirs, key)))
  if (!someLack) return Object.values(values)
  const shared = await group.allGatherObject(values, { name: `metric values ${what}`, signal })
  return keys.flatMap((key) => shared.find((theirs) => Object.hasOwn(theirs, key))?.[key] ?? [])
}

function numberOf(name: string, value: unknown): number {
  if (typeof value === 'number') return value
  throw new RondoError(
    'BAD_ARGUMENT',
    `log("${name}", metric): the metric's value is no number but ${Array.isArray(value) ? 'a list' : typeof value}. Allowed are metrics that give one number. Call await metric.compute() in a hook of the epoch's end instead.`,
  )
}

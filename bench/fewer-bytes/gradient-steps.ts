/**
 * The timed loop of one rank: the gradients of one step, in buckets, through a communication hook, as DDP sends them.
 * Computing is left out: what is compared is communication, encoding included.
 */
import type { ProcessGroup } from '@rondo/collectives'
import { GradientBuckets, type Parameter } from '@rondo/engine'
import { BucketReducer } from '../../packages/strategies/src/ddp/hooks/bucket-reducer.ts'
import { makeCommHook } from '../../packages/strategies/src/ddp/hooks/resolve.ts'
import type { HookChoice } from './methods.ts'

/** Rows and columns of each matrix, and values of the bias beside it: a block of a small transformer. */
const SIDE = 256
/** DDP cuts a model into as many buckets. */
const BUCKETS = 8
/** Untimed steps: factors and errors are then what they are in the middle of a training. */
const WARM_STEPS = 3
const BYTES_PER_VALUE = 4

interface Prepared {
  reducer: BucketReducer
  gradients: Float32Array[]
  warm: boolean
}

/** Keeps hooks between calls, each with its errors and factors. */
export class GradientSteps {
  readonly #prepared = new Map<string, Prepared>()

  /** Milliseconds of `count` steps of about `bytes` of gradients, from a barrier to this rank's last result. */
  async time(group: ProcessGroup, choice: HookChoice, bytes: number, count: number): Promise<number> {
    const key = JSON.stringify([choice, bytes])
    const prepared = this.#prepared.get(key) ?? prepare(group, choice, bytes)
    this.#prepared.set(key, prepared)
    for (let step = 0; !prepared.warm && step < WARM_STEPS; step++) await oneStep(group, prepared)
    prepared.warm = true
    await group.barrier()
    const started = performance.now()
    for (let step = 0; step < count; step++) await oneStep(group, prepared)
    return performance.now() - started
  }
}

function prepare(group: ProcessGroup, { hook, state }: HookChoice, bytes: number): Prepared {
  const pairs = Math.max(1, Math.round(bytes / (BYTES_PER_VALUE * (SIDE * SIDE + SIDE))))
  const shapes = Array.from({ length: 2 * pairs }, (_, i) => (i % 2 === 0 ? [SIDE, SIDE] : [SIDE]))
  const parameters = shapes.map(
    (shape, i) => ({ name: `p${i}`, variable: { shape }, trainable: true }) as unknown as Parameter,
  )
  const cap = bytes / BUCKETS
  const buckets = new GradientBuckets(parameters, { bucketCapBytes: cap, firstBucketBytes: cap })
  const gradients = buckets.sizes.map((size, k) =>
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * (k + 1) + group.rank) * 1e-3),
  )
  const context = { group, signal: new AbortController().signal }
  const made = makeCommHook({ hook, state, wrapper: undefined })
  return { reducer: new BucketReducer(context, parameters, buckets, made), gradients, warm: false }
}

async function oneStep(group: ProcessGroup, { reducer, gradients }: Prepared): Promise<void> {
  const weights = { own: 32, sum: group.allReduce(Float64Array.of(32), { name: 'samples' }) }
  await Promise.all(gradients.map((values, k) => reducer.reduceBucket(k, values.slice(), weights)))
}

/** A person's own function as a communication hook. It may start any collectives, in the same order on all ranks. */
import { RondoError } from '@rondo/protocol'
import type { CommHook, CommHookContext, GradientBucket } from './comm-hook.ts'

/**
 * Gets this rank's share of the average and gives the average over all ranks: the bucket with new `values`, the bucket
 * itself after changing them in place, or the array alone. `ctx.allReduce(bucket.values, name)` sums over the ranks.
 */
export type OwnCommHook = (
  bucket: GradientBucket,
  ctx: CommHookContext & { readonly state: unknown },
) => Promise<GradientBucket | Float32Array>

export function ownHook(run: OwnCommHook, state: unknown): CommHook {
  const name = run.name === '' ? 'own hook' : run.name
  return {
    name,
    wire: `own hook ${name}`,
    overlaps: false,
    async reduce(bucket, context) {
      const result: unknown = await run(bucket, { ...context, state })
      if (result instanceof Float32Array) return result
      const values = (result as GradientBucket | null | undefined)?.values
      if (values instanceof Float32Array) return values
      throw new RondoError(
        'BAD_ARGUMENT',
        `ddpCommHook ${name} returned ${result === null ? 'null' : `a ${typeof result}`} for bucket ${bucket.index}. It must return the bucket, or its averaged values as a Float32Array: return { ...bucket, values }.`,
        { rank: context.group.rank },
      )
    },
  }
}

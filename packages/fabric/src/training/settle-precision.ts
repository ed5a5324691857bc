/**
 * Deciding what the requested precision comes to: on all ranks alike where models are set up, for one rank where it only
 * computes forward. Not for: what follows from it (rank-precision.ts).
 */
import { RondoError } from '@rondo/protocol'
import type { FabricCore } from '../core.ts'
import { RankPrecision } from './rank-precision.ts'

/** Have no arithmetic in float16: bfloat16 costs them no more, and has float32's range. */
const WITHOUT_F16: readonly string[] = ['wasm', 'cpu']

/** What a rank tells the others. */
interface Wish {
  precision: string
  /** Its accelerator, if that has no float16. */
  lacking: string | null
}

/**
 * One rank without float16 makes `16-mixed` bfloat16 everywhere, or gradients would not fit together. Collective, the
 * first time. Throws CONFLICT when ranks ask for different precisions.
 */
export async function settlePrecision(core: FabricCore): Promise<RankPrecision> {
  if (core.precisionAgreed) return ownPrecision(core)
  const { context, rank } = core
  const mine: Wish = { precision: core.options.precision, lacking: lackingF16(core) }
  let { lacking } = mine
  if (core.worldSize > 1) {
    const all = await context.group.allGatherObject(mine, { name: 'precision', signal: context.signal })
    const other = all.findIndex(({ precision }) => precision !== all[0]?.precision)
    if (other > 0) throw differs(all, other, rank)
    const without = all.findIndex((wish) => wish.lacking !== null)
    lacking = without < 0 ? null : `${all[without]?.lacking} of rank ${without}`
  }
  core.precisionAgreed = true
  return decide(core, lacking)
}

/** The same for this rank alone, before any model is set up; what was settled stays. */
export function ownPrecision(core: FabricCore): RankPrecision {
  return core.precision ?? decide(core, lackingF16(core))
}

function lackingF16({ context }: FabricCore): string | null {
  const name = context.accelerator?.name
  return name && WITHOUT_F16.includes(name) ? name : null
}

function decide(core: FabricCore, lacking: string | null): RankPrecision {
  const { options, context } = core
  const plugin = options.plugins.Precision
  const made = new RankPrecision({ precision: options.precision, ...(plugin ? { plugin } : {}) }, lacking)
  // Once a run: a Trainer makes a Fabric for each of its verbs.
  const told = context.precision?.requested === made.requested && context.precision.used === made.used
  if (made.used !== made.requested && !told && context.localRank === 0) {
    console.info(
      `precision "${made.requested}" becomes "${made.used}": ${lacking} has no arithmetic in float16, and bfloat16 has float32's range, so that no loss scale is needed.`,
    )
  }
  core.precision = made
  context.precision = made
  return made
}

function differs(all: readonly Wish[], other: number, rank: number): RondoError {
  return new RondoError(
    'CONFLICT',
    `precision is "${all[0]?.precision}" on rank 0 and "${all[other]?.precision}" on rank ${other}; this is rank ${rank}. All ranks must use one. Let it depend on nothing that differs between ranks.`,
    { rank },
  )
}

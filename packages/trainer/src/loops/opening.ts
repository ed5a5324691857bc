/**
 * What each rank does and says when a verb begins and its device is ready: where it is, and whether it computes in a
 * fixed order. Not for: data and models (prepare.ts).
 */
import { keepDeterministic, randomState } from '@rondo/engine'
import type { RankContext } from '@rondo/fabric'
import type { Run } from '../run.ts'

/** Ranks that have said where they are. */
const introduced = new WeakSet<RankContext>()

/** In a script's ranks; the panel of a notebook names its ranks, and collapses what they say alike. */
function introduce(context: RankContext): void {
  if (context.config === null || context.job !== null || introduced.has(context)) return
  introduced.add(context)
  const { idleSlots, localRank, localWorldSize: used } = context
  const there = used + idleSlots
  const slots = Array.from({ length: there }, (_, slot) => slot)
  console.info(`LOCAL_RANK: ${localRank} - VISIBLE_SLOTS: [${slots.join(', ')}]`)
  if (idleSlots === 0 || localRank !== 0) return
  console.info(
    `${there} slots are on this node and ${used} ${used === 1 ? 'is' : 'are'} used: set devices: ${there}, or start with --devices=${there}.`,
  )
}

export function open(run: Run): void {
  const { context, options } = run
  introduce(context)
  if (options.deterministic === false) return
  run.atEnd.push(keepDeterministic(options.deterministic))
  if (run.stage === 'fit' && randomState() === null) {
    run.print(
      'deterministic: no seed was set, so initial weights and dropout differ from run to run. Call fabric.seedEverything(seed), or set PL_GLOBAL_SEED and call it, before the model is made.',
    )
  }
}

/** The line about effective batch and learning rate of a run, as the terminal's banner has it. Pure. */
import { effectiveBatchLine } from '@rondo/protocol'
import type { RunProgress } from './run-progress.ts'

/** Empty until every rank has told what it uses, and where nothing is trained. */
export function batchLine({ state, ranks }: Pick<RunProgress, 'state' | 'ranks'>): string {
  const told = state.seats.flatMap(({ rank, nodeRank }) => {
    const setup = ranks[rank]?.setup
    return setup == null || setup.batchSize === null ? [] : [{ nodeRank, setup }]
  })
  return told.length === state.seats.length ? effectiveBatchLine(told) : ''
}

/** `autoSelectGpus`: the k least busy slots that are around. Not for: what `gpus` means (legacy.ts). */
import { currentRankContext, leastBusySlots, slotDirectory } from '@rondo/fabric'

/**
 * Slot numbers for `devices`. Under `rondo run` the ranks are chosen already, so the count stays as it was.
 * @throws NOT_ENOUGH_DEVICES where too few are free, listing the busy ones
 */
export async function selectSlots(count: number): Promise<number | 'auto' | number[]> {
  const chosen = leastBusySlots(
    await slotDirectory().list(),
    count,
    `Trainer({ gpus: ${count}, autoSelectGpus: true })`,
  )
  if (currentRankContext().config !== null) return count === -1 ? 'auto' : count
  console.info(`autoSelectGpus: slot${chosen.length === 1 ? '' : 's'} ${chosen.join(', ')}, the least busy.`)
  return chosen
}

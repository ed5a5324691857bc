/**
 * `findUsableDevices` as Lightning's `find_usable_cuda_devices`, and the least busy slots for `autoSelectGpus`
 * (`pick_multiple_gpus`). Not for: reading what people write after `devices` (devices.ts).
 */
import { RondoError } from '@rondo/protocol'
import type { SlotStatus } from '../launch/launcher.ts'
import { type SlotDirectory, slotDirectory } from './directory.ts'

/**
 * Numbers of slots that are free and work: a small allocation is tried on each.
 * @param numDevices how many are wanted; −1 for all that can be found, 0 for none
 * @param directory whose slots; those that the calling code can see
 * @returns slot numbers, ascending, for `devices`
 * @throws BAD_ARGUMENT for another number; NOT_ENOUGH_DEVICES where there are no slots, fewer than wanted, or too few of
 * them free: the busy ones are listed with their session
 */
export async function findUsableDevices(
  numDevices = -1,
  directory: SlotDirectory = slotDirectory(),
): Promise<number[]> {
  if (!Number.isSafeInteger(numDevices) || numDevices < -1) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `findUsableDevices(${JSON.stringify(numDevices) ?? String(numDevices)}): allowed is a whole number of at least 0, or -1 for all. Correct it.`,
    )
  }
  if (numDevices === 0) return []
  const call = `findUsableDevices(${numDevices})`
  const slots = await directory.list()
  checkCount(call, numDevices, slots)
  const usable: number[] = []
  const unusable: string[] = []
  for (const slot of slots) {
    if (usable.length === numDevices) break
    if (slot.busy) {
      unusable.push(describeBusy(slot))
      continue
    }
    try {
      await directory.probe(slot.index)
      usable.push(slot.index)
    } catch (error) {
      if (isRefusal(error)) throw error
      unusable.push(`slot ${slot.index} on ${slot.node} (${error instanceof Error ? error.message : String(error)})`)
    }
  }
  if (numDevices === -1 || usable.length === numDevices) return usable
  throw tooFewFree(call, numDevices, usable.length, unusable)
}

/**
 * The `count` free slots that have least to do beside them, ascending; −1 takes all that are free.
 * @param option names the option, for messages
 * @throws NOT_ENOUGH_DEVICES listing the busy ones, BAD_DEVICES for a count that is none
 */
export function leastBusySlots(slots: readonly SlotStatus[], count: number, option: string): number[] {
  if (!Number.isSafeInteger(count) || count === 0 || count < -1) {
    throw new RondoError(
      'BAD_DEVICES',
      `${option}: ${count} slots are to be chosen; allowed is a whole number from 1, or -1 for all. Correct it.`,
    )
  }
  checkCount(option, count, slots)
  const free = slots.filter(({ busy }) => !busy).sort((a, b) => a.load - b.load || a.index - b.index)
  const wanted = count === -1 ? free.length : count
  if (free.length < wanted || free.length === 0) {
    const busy = slots.filter((slot) => slot.busy).map(describeBusy)
    throw tooFewFree(option, count, free.length, busy)
  }
  return free
    .slice(0, wanted)
    .map(({ index }) => index)
    .sort((a, b) => a - b)
}

function checkCount(call: string, wanted: number, slots: readonly SlotStatus[]): void {
  if (slots.length > 0 && wanted <= slots.length) return
  const here =
    slots.length === 0
      ? 'there are no slots here'
      : `there ${slots.length === 1 ? 'is 1 slot' : `are ${slots.length} slots`} here`
  const most =
    slots.length === 0
      ? 'Let a machine join the session first'
      : `Allowed is at most ${slots.length}; ask for fewer, or let another machine join`
  throw new RondoError(
    'NOT_ENOUGH_DEVICES',
    `${call}: ${wanted === -1 ? 'all' : wanted} wanted, and ${here}. ${most}.`,
    {
      details: { wanted, available: slots.length },
    },
  )
}

function tooFewFree(call: string, wanted: number, free: number, others: readonly string[]): RondoError {
  return new RondoError(
    'NOT_ENOUGH_DEVICES',
    `${call}: ${wanted === -1 ? 'all' : wanted} wanted, and ${free} ${free === 1 ? 'is' : 'are'} free. Not usable: ${others.join('; ')}. Allowed is at most ${free} now; ask for fewer, or wait until those are free.`,
    { details: { wanted, free } },
  )
}

function describeBusy({ index, node, session }: SlotStatus): string {
  return `slot ${index} on ${node} (busy${session === null ? '' : ` in session ${session}`})`
}

/** The launch itself was refused; that says nothing about the slot. */
function isRefusal(error: unknown): boolean {
  return error instanceof RondoError && ['CONFLICT', 'UNSUPPORTED', 'BAD_DEVICES', 'ABORTED'].includes(error.code)
}

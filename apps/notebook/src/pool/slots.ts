/**
 * Which slots a launch gets: this page's own first, then those of joined machines, numbered in that order. Pure
 * functions over the session's snapshot. Not for: opening the run.
 */
import { parseDevices } from '@rondo/fabric/devices'
import { type Member, RondoError, type SessionSnapshot } from '@rondo/protocol'
import { deviceName } from '@rondo/ui/session'
import type { SlotInfo } from '../kernel/messages.ts'

/** Slots that a value may reach for before it counts as nonsense; far above any session. */
const MOST_SLOTS = 4_096

/** A slot as the panel shows it, with what the server calls it. */
export interface Slot extends SlotInfo {
  memberId: string
  nodeId: string
}

export interface SlotView {
  snapshot: SessionSnapshot | null
  /** null while this page brings no slots. */
  localPageId: string | null
  /** A run that holds seats but does nothing now, so that its slots are free for a launch. */
  idleRunId?: string | null
}

/** Every slot of the session that may take part, in the order in which launches take them. */
export function listSlots({ snapshot, localPageId, idleRunId = null }: SlotView): Slot[] {
  const members = snapshot?.members ?? []
  const run = snapshot?.run ?? null
  const active = run !== null && (run.status === 'waiting' || run.status === 'running') && run.runId !== idleRunId
  const busy = new Set(active ? run.seats.map(({ memberId }) => memberId) : [])
  const localNode = members.find(({ pageId }) => pageId === localPageId)?.nodeId
  // Stable, so that the server's order (nodes, then local ranks) holds within each class.
  const distance = (member: Member) => (member.pageId === localPageId ? 0 : member.nodeId === localNode ? 1 : 2)
  return members
    .filter((member) => member.admitted)
    .sort((a, b) => distance(a) - distance(b))
    .map((member, index) => ({
      index,
      node: member.nodeLabel,
      adapter: deviceName(member.device),
      local: member.pageId === localPageId,
      busy: busy.has(member.memberId),
      session: snapshot?.session ?? '',
      load: members.filter(({ nodeId, memberId }) => nodeId === member.nodeId && busy.has(memberId)).length,
      memberId: member.memberId,
      nodeId: member.nodeId,
    }))
}

/**
 * The slots of ranks 0, 1, …: as asked for, but those of a node side by side, as ranks are grouped by node.
 * @param devices count, list of slot numbers, a string of either, -1 or `"auto"` (also null) for all
 * @param call how it was started, for messages: `fabric.launch`
 * @throws BAD_DEVICES for a value that means nothing, NOT_ENOUGH_DEVICES saying how many are here and how to get more
 */
export function chooseSlots(slots: readonly Slot[], devices: unknown, call: string): Slot[] {
  const option = `${call}: devices`
  const available = slots.length
  const wanted = devices ?? 'auto'
  // A value that would be right with more slots is not wrong, there are too few.
  const indices = parseDevices(wanted, available === 0 ? MOST_SLOTS : Math.max(available, neededBy(wanted, option)), {
    option,
  })
  const most = Math.max(...indices) + 1
  if (available === 0 || most > available) throw tooFew(slots, wanted, option)
  const nodes = new Map<string, Slot[]>()
  for (const index of indices) {
    const slot = slots[index] as Slot
    nodes.set(slot.nodeId, [...(nodes.get(slot.nodeId) ?? []), slot])
  }
  return [...nodes.values()].flat()
}

/** How many slots the value reaches for, as far as a session may have that many. */
function neededBy(wanted: unknown, option: string): number {
  if (wanted === 'auto' || wanted === -1 || wanted === '-1') return 0
  const indices = parseDevices(wanted, MOST_SLOTS, { option })
  return Math.max(...indices) + 1
}

function tooFew(slots: readonly Slot[], wanted: unknown, option: string): RondoError {
  const local = slots.filter((slot) => slot.local).length
  const here =
    slots.length === 0
      ? 'no device is here'
      : `${slots.length === 1 ? 'only one is' : `only ${slots.length} are`} here (${local} of this page, ${slots.length - local} of joined machines)`
  const less = slots.length === 0 ? '' : `Ask for at most ${slots.length}, `
  const more = `${slots.length === 0 ? 'Give' : 'give'} this page more slots in the Devices panel, or let another machine join by the link there.`
  return new RondoError('NOT_ENOUGH_DEVICES', `${option} is ${JSON.stringify(wanted)}, but ${here}. ${less}${more}`, {
    details: { available: slots.length, local },
  })
}

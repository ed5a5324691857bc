/**
 * Whether pages that come may take part at once, and letting in those that wait. Pure changes of a session record that
 * return effects. Not for: sending pages away (membership.ts).
 */
import type { PageAdmit, SessionAdmission } from '@rondo/protocol'
import type { Effect } from './effects.ts'
import { requireControl, requirePage } from './ownership.ts'
import type { Connection, SessionRecord } from './record.ts'
import { seatWaiting } from './runs.ts'

/** For pages that come from now on; opening lets those in that wait. */
export function setAdmission(
  record: SessionRecord,
  connection: Connection,
  { admission }: SessionAdmission,
  now: number,
): Effect[] {
  requireControl(record, connection, 'session:admission')
  if (record.admission === admission) return []
  record.admission = admission
  if (admission === 'open') for (const page of record.pages) page.admitted = true
  return [{ kind: 'snapshot', urgent: false }, ...seatWaiting(record, now)]
}

/** Lets one page take part. Twice is harmless. BAD_ARGUMENT for a page that is not here. */
export function admitPage(record: SessionRecord, connection: Connection, { pageId }: PageAdmit, now: number): Effect[] {
  requireControl(record, connection, 'page:admit')
  const page = requirePage(record, pageId)
  if (page.admitted) return []
  page.admitted = true
  return [{ kind: 'snapshot', urgent: false }, ...seatWaiting(record, now)]
}

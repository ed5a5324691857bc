/**
 * Asks before a tab that trains is closed: its ranks would be lost to everyone. Pages that an agent opened
 * are the agent's to close, and are never asked.
 */

import { hasEnded } from '@rondo/ui/session'
import type { JoinParams } from './params.ts'
import type { JoinStore } from './store.ts'

export function guardTab({ auto }: JoinParams, store: JoinStore): void {
  if (auto) return
  addEventListener('beforeunload', (event) => {
    const { run, pageId, membership } = store.peek()
    const training = run !== null && !hasEnded(run) && run.state.seats.some((seat) => seat.pageId === pageId)
    if (training && membership === 'in') event.preventDefault()
  })
}

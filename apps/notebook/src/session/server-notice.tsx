/**
 * One calm sentence while the server is away, over the page and out of the way: what goes on, and what to do. Not for:
 * errors of cells, which say themselves what they lack.
 */
import type { VNode } from 'preact'
import type { SessionState } from './state.ts'
import './server-notice.css'

export function ServerNotice({ connection }: Pick<SessionState, 'connection'>): VNode {
  const text = sentence(connection)
  // The region is always there: screen readers announce what appears in it.
  return (
    <div class="server-notice" role="status" data-testid="server-notice">
      {text !== null && <p>{text}</p>}
    </div>
  )
}

function sentence(connection: SessionState['connection']): string | null {
  switch (connection) {
    case 'connecting':
    case 'online':
      return null
    case 'offline':
      return 'The server does not answer: editing, cells and ranks of this page go on, and this page connects by itself once “npm start” runs again.'
    case 'closed':
      return 'This page is no longer in its session: open the notebook by the link that “npm start” printed last; everything here is saved in this browser.'
    default:
      return connection satisfies never
  }
}

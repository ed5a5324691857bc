/** Who is here and who is missing, node by node. */
import { PeopleList } from '@rondo/ui'
import { nodesOf } from '@rondo/ui/session'
import type { VNode } from 'preact'
import type { ViewProps } from './app.tsx'

export function PeoplePanel({ state, now }: ViewProps): VNode {
  const nodes = nodesOf(state, now)
  return (
    <section class="panel area-people" aria-label="Devices">
      <div class="panel-head">
        <h2>Devices</h2>
      </div>
      {nodes.length === 0 && <p class="soft">Nobody is here yet. Invite a device by the link below.</p>}
      <PeopleList nodes={nodes} />
    </section>
  )
}

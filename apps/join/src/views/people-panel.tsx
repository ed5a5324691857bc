/** Who is here and who is missing, node by node. */
import { RankChip, StatusMark } from '@rondo/ui'
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
      <ul class="people" data-testid="people">
        {nodes.map((node) => (
          <li key={node.key}>
            <div class="person">
              <span class="person-name">
                {node.label}
                {node.mine && <span class="soft"> · this page</span>}
              </span>
              <StatusMark tone={node.tone}>{node.state}</StatusMark>
            </div>
            <div class="person soft num">
              <span>{node.device}</span>
              <span class="person-ranks">
                {node.ranks.map((rank) => (
                  <RankChip key={rank} rank={rank} />
                ))}
              </span>
            </div>
          </li>
        ))}
      </ul>
    </section>
  )
}

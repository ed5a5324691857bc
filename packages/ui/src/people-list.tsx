/** Devices of a session, one entry a node, with its ranks and how it stands. Not for: gathering them (session/people.ts). */
import type { ComponentChildren, VNode } from 'preact'
import { RankChip } from './ring-table.tsx'
import type { NodeEntry } from './session/people.ts'
import { StatusMark } from './status-mark.tsx'

export interface PeopleListProps {
  nodes: readonly NodeEntry[]
  /** What stands under a node's two lines; nothing by default. */
  more?: (node: NodeEntry) => ComponentChildren
}

export function PeopleList({ nodes, more }: PeopleListProps): VNode {
  return (
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
          {more?.(node)}
        </li>
      ))}
    </ul>
  )
}

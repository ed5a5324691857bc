/**
 * A value that can be unfolded, as the tree pattern of WAI-ARIA: one stop for Tab, arrows inside. Everything it
 * shows travelled with the output; the kernel is not asked again. Not for: deciding what of a value travels.
 */
import type { InspectNode } from '@rondo/kernel/output'
import type { VNode } from 'preact'
import { useRef, useState } from 'preact/hooks'

export interface InspectorRow {
  /** Keys from the root, as one string that names the row. */
  path: string
  node: InspectNode
  /** From 1, as `aria-level` counts. */
  level: number
  position: number
  siblings: number
  open: boolean
}

/** Rows in sight: every node whose ancestors are all open. Exported for the test. */
export function visibleRows(root: InspectNode, open: ReadonlySet<string>): InspectorRow[] {
  const rows: InspectorRow[] = []
  const visit = (node: InspectNode, path: string, level: number, position: number, siblings: number) => {
    const isOpen = open.has(path) && (node.children?.length ?? 0) > 0
    rows.push({ path, node, level, position, siblings, open: isOpen })
    if (!isOpen) return
    const children = node.children ?? []
    children.forEach((child, i) => {
      visit(child, `${path}/${i}`, level + 1, i + 1, children.length)
    })
  }
  visit(root, '', 1, 1, 1)
  return rows
}

/** Folded at first, but for the values of ranks: those are there to be compared. */
export function Inspector({ root }: { root: InspectNode }): VNode {
  const [open, setOpen] = useState<ReadonlySet<string>>(() => new Set(root.kind === 'ranks' ? [''] : []))
  const [active, setActive] = useState('')
  const tree = useRef<HTMLDivElement>(null)
  if ((root.children?.length ?? 0) === 0) {
    return (
      <pre class="inspect" data-testid="inspector">
        <Value node={root} />
      </pre>
    )
  }
  const rows = visibleRows(root, open)
  const focus = (path: string) => {
    setActive(path)
    tree.current?.querySelector<HTMLElement>(`[data-path="${path}"]`)?.focus()
  }
  const toggle = (path: string, wanted: boolean) => {
    const next = new Set(open)
    if (wanted) next.add(path)
    else next.delete(path)
    setOpen(next)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const at = rows.findIndex((row) => row.path === active)
    const row = rows[at]
    if (row === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    const target = targetOf(event.key, rows, at)
    const folds = (row.node.children?.length ?? 0) > 0
    if (target !== undefined) focus(target)
    else if (folds && event.key === 'ArrowRight') toggle(row.path, true)
    else if (row.open && event.key === 'ArrowLeft') toggle(row.path, false)
    else if (folds && (event.key === 'Enter' || event.key === ' ')) toggle(row.path, !row.open)
    else return
    event.preventDefault()
    // The cell has keys of its own for arrows and Enter.
    event.stopPropagation()
  }
  return (
    <div ref={tree} class="inspect" role="tree" aria-label={root.text} onKeyDown={onKeyDown} data-testid="inspector">
      {rows.map((row) => (
        <div
          key={row.path}
          class="inspect-row"
          role="treeitem"
          aria-level={row.level}
          aria-posinset={row.position}
          aria-setsize={row.siblings}
          aria-expanded={(row.node.children?.length ?? 0) > 0 ? row.open : undefined}
          aria-selected={row.path === active}
          tabIndex={row.path === active ? 0 : -1}
          data-path={row.path}
          style={{ '--level': row.level - 1 }}
          onClick={() => {
            if ((row.node.children?.length ?? 0) > 0) toggle(row.path, !row.open)
            focus(row.path)
          }}
          onKeyDown={undefined}
        >
          <span class="inspect-mark" aria-hidden="true" />
          {row.node.key !== undefined && <span class="inspect-key">{row.node.key}: </span>}
          <Value node={row.node} />
        </div>
      ))}
    </div>
  )
}

/** Where a key leads; undefined when it leads nowhere. */
function targetOf(key: string, rows: readonly InspectorRow[], at: number): string | undefined {
  const row = rows[at]
  if (row === undefined) return undefined
  switch (key) {
    case 'ArrowDown':
      return rows[at + 1]?.path
    case 'ArrowUp':
      return rows[at - 1]?.path
    case 'Home':
      return rows[0]?.path
    case 'End':
      return rows.at(-1)?.path
    case 'ArrowRight':
      return row.open ? rows[at + 1]?.path : undefined
    case 'ArrowLeft':
      return row.open || row.level === 1 ? undefined : row.path.slice(0, row.path.lastIndexOf('/'))
    default:
      return undefined
  }
}

function Value({ node }: { node: InspectNode }): VNode {
  return <span class={`inspect-value kind-${node.kind.replaceAll(/\W/g, '')}`}>{node.text}</span>
}

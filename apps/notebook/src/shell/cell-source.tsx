/**
 * A cell's text: an editor once the cell comes near the screen, before that the plain text in the same size, so
 * that nothing moves; Markdown as text until it is edited.
 */
import type { VNode } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { CellEditor } from '../editor/cell-editor.ts'
import type { CellModel } from '../model/cell.ts'
import { MarkdownView } from '../outputs/index.ts'
import { runCommand } from './commands.ts'
import type { OpenNotebook } from './open-notebook.ts'

/** Editors are made this far outside of the screen. */
const NEAR_MARGIN = '600px 0px'

export interface CellSourceProps {
  open: OpenNotebook
  cell: CellModel
  label: string
  /** The active cell always has its editor. */
  wanted: boolean
}

export function CellSource(props: CellSourceProps): VNode {
  const { open, cell } = props
  if (cell.kind.value === 'markdown' && cell.rendered.value) {
    return (
      // biome-ignore lint/a11y/noStaticElementInteractions: the keyboard's way is Enter on the cell
      <div class="cell-markdown" onDblClick={() => runCommand(open, 'enter-edit')}>
        <MarkdownView source={cell.source.value} attachments={cell.attachments.value} trusted={open.trusted.value} />
      </div>
    )
  }
  return <EditorHost {...props} />
}

function EditorHost({ open, cell, label, wanted }: CellSourceProps): VNode {
  const host = useRef<HTMLDivElement>(null)
  const [near, setNear] = useState(wanted)
  const editing = near || wanted

  useEffect(() => {
    const element = host.current
    if (near || element === null) return
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) setNear(true)
      },
      { rootMargin: NEAR_MARGIN },
    )
    observer.observe(element)
    return () => observer.disconnect()
  }, [near])

  useLayoutEffect(() => {
    const element = host.current
    if (!editing || element === null) return
    const editor = new CellEditor(element, cell, {
      label,
      readOnly: open.readOnly,
      lineNumbers: open.lineNumbers,
      completion: open.port,
      onLeave: (by) => leave(open, by),
      onEscape: () => runCommand(open, 'enter-command'),
    })
    open.editors.set(cell.id, editor)
    return () => {
      open.editors.delete(cell.id)
      editor.dispose()
    }
  }, [editing, cell])

  return (
    <div class="cell-editor" ref={host}>
      {!editing && <pre class="cell-plain">{`${cell.source.value}\n`}</pre>}
    </div>
  )
}

/** The cursor goes over the edge: into the neighbour's text, or onto a neighbour that shows Markdown. */
function leave({ document, selection, editors }: OpenNotebook, by: -1 | 1): boolean {
  const next = document.cells.peek()[selection.index + by]
  if (next === undefined) return false
  const shown = next.kind.peek() === 'markdown' && next.rendered.peek()
  selection.select(next, shown ? 'command' : 'edit')
  requestAnimationFrame(() => {
    if (!shown) editors.get(next.id)?.focus(by === 1 ? 'start' : 'end')
  })
  return true
}

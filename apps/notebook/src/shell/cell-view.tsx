/** One cell: its number and state, its text, the panel of a run it launched, its outputs, and its tools. */
import { useComputed } from '@preact/signals'
import { formatMs } from '@rondo/ui'
import type { ComponentChildren, VNode } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { CellModel } from '../model/cell.ts'
import { isFolded, setFolded } from '../model/folds.ts'
import { OutputArea } from '../outputs/index.ts'
import { CellSource } from './cell-source.tsx'
import { CellTools } from './cell-tools.tsx'
import { Icon } from './icons.tsx'
import type { OpenNotebook } from './open-notebook.ts'

export interface CellViewProps {
  open: OpenNotebook
  cell: CellModel
  index: number
  runPanel?: ((cellId: string) => ComponentChildren) | undefined
}

const KIND_NAMES = { code: 'Code', markdown: 'Markdown', raw: 'Raw' } as const

export function CellView({ open, cell, index, runPanel }: CellViewProps): VNode {
  const { selection } = open
  const root = useRef<HTMLElement>(null)
  const active = useComputed(() => selection.active.value === cell).value
  const selected = useComputed(() => selection.cells.value.includes(cell)).value
  const editing = useComputed(() => selection.active.value === cell && selection.mode.value === 'edit').value
  const kind = cell.kind.value
  const { state } = cell.run.value
  const folded = isFolded(cell.metadata.value, 'source')
  const name = `${KIND_NAMES[kind]} cell ${index + 1}`

  // The focus follows the selection: onto the cell in command mode, into its text in edit mode. Before the next
  // key can come: a layout effect, as a key that comes first would still mean what it meant before.
  useLayoutEffect(() => {
    if (!active || open.dialog.peek() !== null) return
    if (editing) {
      const editor = open.editors.get(cell.id)
      if (editor !== undefined && !editor.view.hasFocus) editor.focus()
    } else if (document.activeElement !== root.current) {
      root.current?.focus({ preventScroll: true })
    }
    root.current?.scrollIntoView({ block: 'nearest' })
  }, [active, editing, kind, cell.rendered.value])

  const onPointerDown = (event: PointerEvent) => {
    const target = event.target as Element
    if (target.closest('.cell-tools, .outputs a, .outputs button, .run-panel') !== null) return
    if (event.shiftKey && !active) {
      selection.extendTo(cell)
      event.preventDefault()
    } else if (target.closest('.cell-editor') === null) {
      if (!active || editing) selection.select(cell)
    }
  }
  return (
    <section
      ref={root}
      class={`cell cell-${kind}${active ? ' is-active' : ''}${selected ? ' is-selected' : ''}${editing ? ' is-editing' : ''}${state === 'running' ? ' is-running' : ''}`}
      aria-label={state === 'idle' ? name : `${name}, ${state}`}
      aria-current={active ? 'true' : undefined}
      tabIndex={active ? 0 : -1}
      data-cell={cell.id}
      data-testid="cell"
      onPointerDown={onPointerDown}
      onFocusIn={(event) => {
        const inText = (event.target as Element).closest('.cm-content') !== null
        if (inText && !editing) selection.select(cell, 'edit')
        else if (!inText && event.target === root.current && !active) selection.select(cell)
      }}
    >
      <Gutter cell={cell} />
      <div class="cell-main">
        {folded ? (
          <FoldedPart
            text={firstLine(cell.source.value)}
            label="Unfold the source"
            onOpen={() => setFolded(cell, 'source', false)}
          />
        ) : (
          <CellSource open={open} cell={cell} label={name} wanted={active} />
        )}
        {kind === 'code' && <Outputs open={open} cell={cell} />}
        {runPanel?.(cell.id)}
      </div>
      {active && <CellTools open={open} cell={cell} />}
    </section>
  )
}

function Gutter({ cell }: { cell: CellModel }): VNode {
  const { state, milliseconds } = cell.run.value
  if (cell.kind.value !== 'code') return <div class="cell-gutter" />
  const waits = state !== 'idle'
  return (
    <div class="cell-gutter num" data-testid="prompt">
      <span class="cell-number">{waits ? '[*]' : `[${cell.executionCount.value ?? ' '}]`}</span>
      <span class="cell-time">{!waits && milliseconds !== null ? formatMs(milliseconds) : ' '}</span>
    </div>
  )
}

function Outputs({ open, cell }: { open: OpenNotebook; cell: CellModel }): VNode | null {
  const outputs = cell.outputs.value
  const running = cell.run.value.state === 'running'
  if (outputs.length === 0 && !running) return null
  if (outputs.length > 0 && isFolded(cell.metadata.value, 'outputs')) {
    return (
      <FoldedPart text="Output folded" label="Unfold the output" onOpen={() => setFolded(cell, 'outputs', false)} />
    )
  }
  return (
    <OutputArea
      outputs={outputs}
      cellId={cell.id}
      trusted={open.trusted.value || cell.ranHere.value}
      running={running}
      sourceLine={(cellId, line) => open.sourceLine(cellId, line)}
      onJump={({ cellId, line, column }) => open.jumpTo(cellId, line, column)}
    />
  )
}

function FoldedPart({ text, label, onOpen }: { text: string; label: string; onOpen: () => void }): VNode {
  return (
    <button type="button" class="cell-folded" aria-label={`${label}: ${text}`} onClick={onOpen}>
      <Icon name="unfold" />
      <span>{text}</span>
      <span class="soft">…</span>
    </button>
  )
}

function firstLine(source: string): string {
  return source.split('\n').find((line) => line.trim() !== '') ?? 'Empty cell'
}

/** The page of an open notebook: bar, banners, cells, devices beside them, and what is asked on top. */
import type { ComponentChildren, VNode } from 'preact'
import { useEffect, useLayoutEffect, useState } from 'preact/hooks'
import { insertCell } from '../model/edits.ts'
import { Banners } from './banners.tsx'
import { CellView } from './cell-view.tsx'
import { runCommand } from './commands.ts'
import { Confirm } from './dialog.tsx'
import { canShare, downloadNotebook, shareNotebook } from './files.ts'
import { HelpSheet } from './help-sheet.tsx'
import { HistorySheet } from './history-sheet.tsx'
import { type Example, ExampleList } from './home.tsx'
import { Icon } from './icons.tsx'
import { listenForKeys } from './keys.ts'
import type { MenuItem } from './menu.tsx'
import type { OpenNotebook } from './open-notebook.ts'
import { TopBar } from './top-bar.tsx'

export interface NotebookPageProps {
  open: OpenNotebook
  devices?: ComponentChildren
  runPanel?: ((cellId: string) => ComponentChildren) | undefined
  examples: readonly Example[]
  onExample: (example: Example) => void
  onHome: () => void
  onNew: () => void
  onOpenFile: () => void
  onOpen: (id: string) => void
}

/** From this width on the devices stand beside the cells without being asked for. */
const WIDE = '(min-width: 1200px)'

export function NotebookPage(props: NotebookPageProps): VNode {
  const { open, devices, runPanel } = props
  const [showDevices, setShowDevices] = useState(() => matchMedia(WIDE).matches)
  // Before the first paint: the editor has the focus by then, and its first keys must count.
  useLayoutEffect(() => listenForKeys(open), [open])
  useEffect(() => warnBeforeLeaving(open), [open])
  const hasDevices = devices !== undefined && devices !== null
  const fileItems = fileMenu(props)
  return (
    <>
      <TopBar
        open={open}
        fileItems={fileItems}
        runItems={runMenu(open)}
        devicesButton={
          hasDevices && (
            <button
              type="button"
              class="button button-small bar-devices"
              aria-expanded={showDevices}
              aria-controls="devices"
              onClick={() => setShowDevices(!showDevices)}
            >
              <Icon name="devices" /> Devices
            </button>
          )
        }
      />
      <div class={hasDevices && showDevices ? 'sheet-of-cells with-side' : 'sheet-of-cells'}>
        <main class="cells" data-notebook data-testid="notebook">
          <Banners open={open} onOpen={props.onOpen} />
          {open.document.cells.value.map((cell, index) => (
            <CellView key={cell.id} open={open} cell={cell} index={index} runPanel={runPanel} />
          ))}
          {!open.readOnly && (
            <button type="button" class="cells-end" onClick={() => addAtEnd(open)}>
              <Icon name="add" /> Add a cell
            </button>
          )}
          <Blank {...props} />
        </main>
        {hasDevices && showDevices && (
          <aside id="devices" class="side" aria-label="Devices">
            {devices}
          </aside>
        )}
      </div>
      <p class="visually-hidden" role="status">
        {open.announcement.value}
      </p>
      <OpenDialog open={open} />
    </>
  )
}

/** An empty notebook says how else to begin. */
function Blank({ open, examples, onExample }: NotebookPageProps): VNode | null {
  const [only, ...others] = open.document.cells.value
  if (others.length > 0 || only?.source.value !== '' || only.outputs.value.length > 0 || examples.length === 0)
    return null
  return (
    <section class="blank" aria-labelledby="blank">
      <h2 id="blank" class="soft">
        Write in the cell above, or start from an example
      </h2>
      <ExampleList examples={examples} onExample={onExample} />
    </section>
  )
}

function addAtEnd(open: OpenNotebook): void {
  open.selection.select(insertCell(open.document, open.document.cells.peek().length), 'edit')
}

function OpenDialog({ open }: { open: OpenNotebook }): VNode | null {
  const close = () => {
    open.dialog.value = null
  }
  const dialog = open.dialog.value
  switch (dialog) {
    case null:
      return null
    case 'help':
      return <HelpSheet onClose={close} />
    case 'history':
      return <HistorySheet open={open} onClose={close} />
    case 'restart':
    case 'restart-run-all': {
      const again = dialog === 'restart-run-all'
      return (
        <Confirm
          title="Restart the kernel?"
          text={`All variables are lost; cells and outputs stay.${again ? ' Then every cell runs, from the top.' : ''}`}
          action={again ? 'Restart and run all' : 'Restart'}
          onClose={close}
          onConfirm={async () => {
            await open.runner.restart()
            if (again) runCommand(open, 'run-all')
          }}
        />
      )
    }
    default:
      return dialog satisfies never
  }
}

function fileMenu({ open, onHome, onNew, onOpenFile, onOpen }: NotebookPageProps): MenuItem[] {
  const show = (dialog: 'help' | 'history') => () => {
    open.dialog.value = dialog
  }
  return [
    { label: 'All notebooks', onSelect: onHome },
    { label: 'New notebook', onSelect: onNew },
    { label: 'Open a file', onSelect: onOpenFile },
    { label: 'Download .ipynb', separated: true, onSelect: () => downloadNotebook(open) },
    ...(canShare(open) ? [{ label: 'Share', onSelect: () => void shareNotebook(open) }] : []),
    { label: 'Make a copy', onSelect: async () => onOpen((await open.saveCopy()).id) },
    { label: 'Save now', keys: 'Ctrl S', disabled: open.readOnly, onSelect: () => runCommand(open, 'save') },
    { label: 'History', disabled: open.readOnly, onSelect: show('history') },
    {
      label: 'Undo cell change',
      keys: 'Z',
      separated: true,
      disabled: !open.document.undoStack.canUndo.value,
      onSelect: () => runCommand(open, 'undo'),
    },
    {
      label: 'Redo cell change',
      keys: 'Shift Z',
      disabled: !open.document.undoStack.canRedo.value,
      onSelect: () => runCommand(open, 'redo'),
    },
    { label: 'Line numbers', keys: 'L', onSelect: () => runCommand(open, 'line-numbers') },
    { label: 'Keys', keys: 'H', separated: true, onSelect: show('help') },
  ]
}

function runMenu(open: OpenNotebook): MenuItem[] {
  const disabled = open.readOnly
  return [
    { label: 'Run all', disabled, onSelect: () => runCommand(open, 'run-all') },
    { label: 'Run all above', disabled, onSelect: () => runCommand(open, 'run-above') },
    { label: 'Run this and all below', disabled, onSelect: () => runCommand(open, 'run-below') },
    {
      label: 'Restart and run all',
      disabled,
      onSelect: () => {
        open.dialog.value = 'restart-run-all'
      },
    },
    {
      label: 'Clear all outputs',
      disabled,
      separated: true,
      onSelect: () => {
        for (const cell of open.document.cells.peek()) cell.clearOutputs()
      },
    },
    { label: 'End the kernel', disabled, onSelect: () => open.runner.kill() },
  ]
}

/** Asks before closing the page only when something would be lost. */
function warnBeforeLeaving(open: OpenNotebook): () => void {
  const onLeave = (event: BeforeUnloadEvent) => {
    if (!open.isUnsaved) return
    void open.save()
    event.preventDefault()
  }
  addEventListener('beforeunload', onLeave)
  return () => removeEventListener('beforeunload', onLeave)
}

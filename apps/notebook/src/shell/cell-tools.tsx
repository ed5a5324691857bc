/** What can be done with the active cell, by pointer; every one has a key as well. */
import type { VNode } from 'preact'
import type { CommandName } from '../keyboard/bindings.ts'
import type { CellModel } from '../model/cell.ts'
import type { CellKind } from '../model/notebook.ts'
import { runCommand } from './commands.ts'
import { Icon, type IconName } from './icons.tsx'
import { Menu, type MenuItem } from './menu.tsx'
import type { OpenNotebook } from './open-notebook.ts'

const KINDS: readonly { kind: CellKind; command: CommandName; name: string }[] = [
  { kind: 'code', command: 'to-code', name: 'Code' },
  { kind: 'markdown', command: 'to-markdown', name: 'Markdown' },
  { kind: 'raw', command: 'to-raw', name: 'Raw' },
]

const BUTTONS: readonly { icon: IconName; command: CommandName; label: string }[] = [
  { icon: 'run', command: 'run-stay', label: 'Run this cell' },
  { icon: 'up', command: 'move-up', label: 'Move up' },
  { icon: 'down', command: 'move-down', label: 'Move down' },
  { icon: 'add', command: 'insert-below', label: 'Insert a cell below' },
]

export function CellTools({ open, cell }: { open: OpenNotebook; cell: CellModel }): VNode | null {
  if (open.readOnly) return null
  const item = (label: string, command: CommandName, keys: string, more: Partial<MenuItem> = {}): MenuItem => ({
    label,
    keys,
    onSelect: () => runCommand(open, command),
    ...more,
  })
  const items = [
    item('Split at the cursor', 'split', 'Ctrl Shift −'),
    item('Join with the cell below', 'merge', 'Shift M'),
    item('Copy', 'copy', 'C', { separated: true }),
    item('Cut', 'cut', 'X'),
    item('Paste below', 'paste-below', 'V'),
    item('Delete', 'delete', 'D D'),
    item('Fold the source', 'fold-source', 'Shift O', { separated: true }),
    item('Fold the output', 'fold-outputs', 'O'),
    { label: 'Clear the output', onSelect: () => cell.clearOutputs() },
    item('Run all above', 'run-above', '', { separated: true }),
    item('Run this and all below', 'run-below', ''),
  ]
  return (
    <div class="cell-tools" role="toolbar" aria-label="Cell">
      <select
        class="cell-kind"
        aria-label="Kind of cell"
        value={cell.kind.value}
        onChange={(event) => {
          const chosen = KINDS.find(({ kind }) => kind === event.currentTarget.value)
          if (chosen !== undefined) runCommand(open, chosen.command)
        }}
      >
        {KINDS.map(({ kind, name }) => (
          <option key={kind} value={kind}>
            {name}
          </option>
        ))}
      </select>
      {BUTTONS.map(({ icon, command, label }) => (
        <button
          key={command}
          type="button"
          class="icon-button icon-small"
          aria-label={label}
          title={label}
          onClick={() => runCommand(open, command)}
        >
          <Icon name={icon} />
        </button>
      ))}
      <Menu label="More for this cell" items={items} class="icon-button icon-small" align="end">
        <Icon name="more" />
      </Menu>
    </div>
  )
}

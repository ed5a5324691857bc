/**
 * Every key of the notebook in one table, as Jupyter has them: the handler and the help sheet read the same rows.
 * A stroke is written `Ctrl-Shift-Minus`; `Mod` is Cmd on a Mac and Ctrl elsewhere; two strokes follow each other.
 */

/** What a key can do; each has one handler in the shell. */
export type CommandName =
  | 'enter-edit'
  | 'enter-command'
  | 'run-advance'
  | 'run-stay'
  | 'run-insert'
  | 'run-all'
  | 'run-above'
  | 'run-below'
  | 'select-above'
  | 'select-below'
  | 'extend-above'
  | 'extend-below'
  | 'select-first'
  | 'select-last'
  | 'select-all'
  | 'insert-above'
  | 'insert-below'
  | 'delete'
  | 'cut'
  | 'copy'
  | 'paste-below'
  | 'paste-above'
  | 'undo'
  | 'redo'
  | 'merge'
  | 'split'
  | 'move-up'
  | 'move-down'
  | 'to-code'
  | 'to-markdown'
  | 'to-raw'
  | 'heading-1'
  | 'heading-2'
  | 'heading-3'
  | 'heading-4'
  | 'heading-5'
  | 'heading-6'
  | 'fold-source'
  | 'fold-outputs'
  | 'line-numbers'
  | 'save'
  | 'interrupt'
  | 'restart'
  | 'scroll-down'
  | 'scroll-up'
  | 'help'

/** `editor`: the key belongs to the text editor itself and stands here for the help sheet. */
export type Where = 'both' | 'command' | 'edit'

export interface Binding {
  readonly keys: readonly string[]
  readonly where: Where
  readonly command: CommandName
  readonly label: string
  /** Keeps the row out of the help sheet, for a second way to the same thing. */
  readonly quiet?: true
}

export const BINDINGS: readonly Binding[] = [
  { keys: ['Shift-Enter'], where: 'both', command: 'run-advance', label: 'Run the cell, go to the next' },
  { keys: ['Mod-Enter'], where: 'both', command: 'run-stay', label: 'Run the selected cells' },
  { keys: ['Ctrl-Enter'], where: 'both', command: 'run-stay', label: 'Run the selected cells', quiet: true },
  { keys: ['Alt-Enter'], where: 'both', command: 'run-insert', label: 'Run the cell, insert one below' },
  { keys: ['Mod-S'], where: 'both', command: 'save', label: 'Save, and keep this version' },

  { keys: ['Enter'], where: 'command', command: 'enter-edit', label: 'Edit the cell' },
  { keys: ['ArrowUp'], where: 'command', command: 'select-above', label: 'Select the cell above' },
  { keys: ['K'], where: 'command', command: 'select-above', label: 'Select the cell above' },
  { keys: ['ArrowDown'], where: 'command', command: 'select-below', label: 'Select the cell below' },
  { keys: ['J'], where: 'command', command: 'select-below', label: 'Select the cell below' },
  { keys: ['Shift-ArrowUp'], where: 'command', command: 'extend-above', label: 'Extend the selection upwards' },
  { keys: ['Shift-K'], where: 'command', command: 'extend-above', label: 'Extend the selection upwards' },
  { keys: ['Shift-ArrowDown'], where: 'command', command: 'extend-below', label: 'Extend the selection downwards' },
  { keys: ['Shift-J'], where: 'command', command: 'extend-below', label: 'Extend the selection downwards' },
  { keys: ['Mod-A'], where: 'command', command: 'select-all', label: 'Select all cells' },
  { keys: ['Home'], where: 'command', command: 'select-first', label: 'Select the first cell' },
  { keys: ['End'], where: 'command', command: 'select-last', label: 'Select the last cell' },
  { keys: ['A'], where: 'command', command: 'insert-above', label: 'Insert a cell above' },
  { keys: ['B'], where: 'command', command: 'insert-below', label: 'Insert a cell below' },
  { keys: ['D', 'D'], where: 'command', command: 'delete', label: 'Delete the selected cells' },
  { keys: ['Z'], where: 'command', command: 'undo', label: 'Undo what was done to cells' },
  { keys: ['Shift-Z'], where: 'command', command: 'redo', label: 'Redo what was done to cells' },
  { keys: ['X'], where: 'command', command: 'cut', label: 'Cut the selected cells' },
  { keys: ['C'], where: 'command', command: 'copy', label: 'Copy the selected cells' },
  { keys: ['V'], where: 'command', command: 'paste-below', label: 'Paste below' },
  { keys: ['Shift-V'], where: 'command', command: 'paste-above', label: 'Paste above' },
  { keys: ['Shift-M'], where: 'command', command: 'merge', label: 'Join the selected cells, or with the one below' },
  { keys: ['Ctrl-Shift-ArrowUp'], where: 'command', command: 'move-up', label: 'Move the cells up' },
  { keys: ['Ctrl-Shift-ArrowDown'], where: 'command', command: 'move-down', label: 'Move the cells down' },
  { keys: ['Y'], where: 'command', command: 'to-code', label: 'Make it a code cell' },
  { keys: ['M'], where: 'command', command: 'to-markdown', label: 'Make it a Markdown cell' },
  { keys: ['R'], where: 'command', command: 'to-raw', label: 'Make it a raw cell' },
  { keys: ['1'], where: 'command', command: 'heading-1', label: 'Make it a heading, 1 to 6' },
  { keys: ['2'], where: 'command', command: 'heading-2', label: 'Heading 2', quiet: true },
  { keys: ['3'], where: 'command', command: 'heading-3', label: 'Heading 3', quiet: true },
  { keys: ['4'], where: 'command', command: 'heading-4', label: 'Heading 4', quiet: true },
  { keys: ['5'], where: 'command', command: 'heading-5', label: 'Heading 5', quiet: true },
  { keys: ['6'], where: 'command', command: 'heading-6', label: 'Heading 6', quiet: true },
  { keys: ['O'], where: 'command', command: 'fold-outputs', label: 'Fold or unfold the output' },
  { keys: ['Shift-O'], where: 'command', command: 'fold-source', label: 'Fold or unfold the source' },
  { keys: ['L'], where: 'command', command: 'line-numbers', label: 'Line numbers' },
  { keys: ['I', 'I'], where: 'command', command: 'interrupt', label: 'Interrupt the kernel' },
  { keys: ['0', '0'], where: 'command', command: 'restart', label: 'Restart the kernel' },
  { keys: ['S'], where: 'command', command: 'save', label: 'Save, and keep this version', quiet: true },
  { keys: ['Space'], where: 'command', command: 'scroll-down', label: 'Scroll down' },
  { keys: ['Shift-Space'], where: 'command', command: 'scroll-up', label: 'Scroll up' },
  { keys: ['H'], where: 'command', command: 'help', label: 'This sheet' },

  { keys: ['Escape'], where: 'edit', command: 'enter-command', label: 'Leave the text, to the keys above' },
  { keys: ['Ctrl-M'], where: 'edit', command: 'enter-command', label: 'Leave the text', quiet: true },
  { keys: ['Ctrl-Shift-Minus'], where: 'edit', command: 'split', label: 'Split the cell at the cursor' },
]

/** Keys of the text editor, for the help sheet. */
export const EDITOR_KEYS: readonly { keys: readonly string[]; label: string }[] = [
  { keys: ['Tab'], label: 'Complete, or indent' },
  { keys: ['Shift-Tab'], label: 'Show what the name is, or dedent' },
  { keys: ['Mod-Z'], label: 'Undo typing' },
  { keys: ['Mod-Shift-Z'], label: 'Redo typing' },
  { keys: ['Mod-F'], label: 'Find and replace in the cell' },
  { keys: ['Mod-/'], label: 'Comment or uncomment lines' },
  { keys: ['Mod-D'], label: 'Select the next occurrence' },
  { keys: ['ArrowUp'], label: 'On the first line: to the cell above' },
  { keys: ['ArrowDown'], label: 'On the last line: to the cell below' },
]

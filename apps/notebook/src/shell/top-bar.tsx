/** The notebook's bar: its name, whether it is saved, Run, Stop, Restart, and how the kernel is. */
import { formatAgo, StatusMark, ThemeToggle, type Tone } from '@rondo/ui'
import type { ComponentChildren, VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { KernelState } from '../kernel/port.ts'
import { runCommand } from './commands.ts'
import { Icon } from './icons.tsx'
import { Menu, type MenuItem } from './menu.tsx'
import type { OpenNotebook } from './open-notebook.ts'

/** How often "saved 3 s ago" is brought up to date, ms. */
const CLOCK_MS = 5_000
/** The form of "saved" changes to words below this. */
const JUST_NOW_MS = 5_000

export interface TopBarProps {
  open: OpenNotebook
  fileItems: readonly MenuItem[]
  runItems: readonly MenuItem[]
  /** The button that shows or hides the devices, if there are any to show. */
  devicesButton: ComponentChildren
}

const KERNEL: Readonly<Record<KernelState, { tone: Tone; word: string }>> = {
  starting: { tone: 'wait', word: 'kernel starting' },
  idle: { tone: 'ok', word: 'kernel idle' },
  busy: { tone: 'work', word: 'kernel busy' },
  dead: { tone: 'fail', word: 'kernel ended' },
}

export function TopBar({ open, fileItems, runItems, devicesButton }: TopBarProps): VNode {
  const kernel = KERNEL[open.port.state.value]
  const busy = open.runner.busy.value
  return (
    <header class="bar" data-notebook>
      <div class="bar-name">
        <Menu label="Notebook" items={fileItems}>
          <Icon name="menu" />
        </Menu>
        <NameField open={open} />
        <Saved open={open} />
      </div>
      <div class="bar-run" role="toolbar" aria-label="Run">
        <button
          type="button"
          class="button button-small"
          disabled={open.readOnly}
          onClick={() => runCommand(open, 'run-advance')}
          title="Run the cell, go to the next (Shift Enter)"
        >
          <Icon name="run" /> Run
        </button>
        <button
          type="button"
          class="button button-small"
          disabled={!busy}
          onClick={() => runCommand(open, 'interrupt')}
          title="Interrupt the kernel (I I)"
        >
          <Icon name="stop" /> Stop
        </button>
        <button
          type="button"
          class="button button-small"
          disabled={open.readOnly}
          onClick={() => runCommand(open, 'restart')}
          title="Restart the kernel (0 0)"
        >
          <Icon name="restart" /> Restart
        </button>
        <Menu label="More ways to run" items={runItems}>
          <Icon name="more" />
        </Menu>
      </div>
      <div class="bar-end">
        <span class="bar-kernel" data-testid="kernel-state">
          <StatusMark tone={kernel.tone}>{kernel.word}</StatusMark>
        </span>
        {devicesButton}
        <ThemeToggle />
      </div>
    </header>
  )
}

/** The name, edited in place; Enter keeps, Esc leaves as it was. */
function NameField({ open }: { open: OpenNotebook }): VNode {
  const field = useRef<HTMLInputElement>(null)
  const name = open.name.value
  const keep = () => {
    const value = field.current?.value.trim() ?? ''
    if (value !== '' && value !== name) void open.rename(value.endsWith('.ipynb') ? value : `${value}.ipynb`)
    else if (field.current !== null) field.current.value = name
  }
  return (
    <h1 class="bar-title">
      <input
        ref={field}
        class="bar-field"
        aria-label="Name of the notebook"
        defaultValue={name}
        key={name}
        readOnly={open.readOnly}
        size={Math.max(8, Math.min(36, name.length))}
        spellcheck={false}
        onBlur={keep}
        onKeyDown={(event) => {
          if (event.key === 'Escape') event.currentTarget.value = name
          if (event.key === 'Enter' || event.key === 'Escape') event.currentTarget.blur()
        }}
      />
    </h1>
  )
}

function Saved({ open }: { open: OpenNotebook }): VNode {
  const [now, setNow] = useState(Date.now)
  const state = open.saveState.value
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), CLOCK_MS)
    return () => clearInterval(timer)
  }, [])
  const text = (() => {
    if (state === null) return 'read-only'
    switch (state.kind) {
      case 'saved': {
        const age = Math.max(now, Date.now()) - state.at
        const where = open.library.problem === null ? 'saved' : 'kept until this page closes'
        return age < JUST_NOW_MS || where !== 'saved' ? where : `saved ${formatAgo(age)} ago`
      }
      case 'unsaved':
        return 'editing'
      case 'saving':
        return 'saving'
      case 'failed':
        return 'not saved'
      default:
        return state satisfies never
    }
  })()
  return (
    <span class={`bar-saved num ${state?.kind === 'failed' ? 'tone-fail' : 'soft'}`} data-testid="saved">
      {text}
    </span>
  )
}

/** The keys, by where they work; drawn from the same table that the handler reads. */
import type { VNode } from 'preact'
import { BINDINGS, type Binding, EDITOR_KEYS, type Where } from '../keyboard/bindings.ts'
import { strokeLabel } from '../keyboard/stroke.ts'
import { Sheet } from './dialog.tsx'
import { IS_MAC } from './keys.ts'

interface Row {
  label: string
  /** Each way to do it: one stroke, or two in a row. */
  ways: (readonly string[])[]
}

function rowsOf(where: Where): Row[] {
  const rows = new Map<string, Row>()
  for (const { keys, label } of BINDINGS.filter((row: Binding) => row.where === where && row.quiet !== true)) {
    const row = rows.get(label) ?? { label, ways: [] }
    row.ways.push(keys)
    rows.set(label, row)
  }
  return [...rows.values()]
}

export function HelpSheet({ onClose }: { onClose: () => void }): VNode {
  const editor = EDITOR_KEYS.map(({ keys, label }) => ({ label, ways: [keys] }))
  return (
    <Sheet title="Keys" onClose={onClose} class="sheet-wide">
      <p class="soft">
        As in Jupyter there are two modes: in a cell’s text (<kbd>Enter</kbd>) keys type, outside of it (<kbd>Esc</kbd>)
        they act on cells.
      </p>
      <div class="help-columns">
        <KeyTable title="On cells (Esc)" rows={rowsOf('command')} />
        <div>
          <KeyTable title="Anywhere" rows={rowsOf('both')} />
          <KeyTable title="In a cell’s text (Enter)" rows={[...rowsOf('edit'), ...editor]} />
        </div>
      </div>
    </Sheet>
  )
}

function KeyTable({ title, rows }: { title: string; rows: readonly Row[] }): VNode {
  return (
    <section class="help-table">
      <h3>{title}</h3>
      <dl>
        {rows.map(({ label, ways }) => (
          <div key={label + ways.join()}>
            <dt>
              {ways.map((keys, i) => (
                <span key={keys.join()}>
                  {i > 0 && <span class="soft"> or </span>}
                  {keys.map((stroke, j) => (
                    <kbd key={`${stroke}${j}`}>{strokeLabel(stroke, IS_MAC).join(IS_MAC ? '' : ' ')}</kbd>
                  ))}
                </span>
              ))}
            </dt>
            <dd>{label}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

/** The ring under its heading, as a drawing or as a table, whichever a person prefers. */
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { Ring, type RingProps } from './ring.tsx'
import { RingTable } from './ring-table.tsx'

export function RingView(props: RingProps): VNode {
  const [form, setForm] = useState<'drawing' | 'table'>('drawing')
  return (
    <>
      <div class="panel-head">
        <h2>Ring</h2>
        <fieldset class="segmented">
          <legend class="visually-hidden">Show the ring as</legend>
          {(['drawing', 'table'] as const).map((name) => (
            <button type="button" key={name} aria-pressed={form === name} onClick={() => setForm(name)}>
              {name}
            </button>
          ))}
        </fieldset>
      </div>
      <div class="ring-space">{form === 'drawing' ? <Ring {...props} /> : <RingTable model={props.model} />}</div>
    </>
  )
}

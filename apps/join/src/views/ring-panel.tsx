/** The ring as a drawing or as a table, whichever a person prefers. */
import { Ring, RingTable } from '@rondo/ui'
import { ringBeat, ringCentre, ringModel } from '@rondo/ui/session'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { ViewProps } from './app.tsx'

export function RingPanel({ state, now }: ViewProps): VNode {
  const [form, setForm] = useState<'drawing' | 'table'>('drawing')
  const model = ringModel(state, now)
  return (
    <section class="panel area-ring" aria-label="Ring">
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
      <div class="ring-space">
        {form === 'drawing' ? (
          <Ring model={model} centre={ringCentre(state)} beat={ringBeat(state)} />
        ) : (
          <RingTable model={model} />
        )}
      </div>
    </section>
  )
}

/** The ring of the run, or of whoever is here when nothing runs. */
import { RingView } from '@rondo/ui'
import { ringBeat, ringCentre, ringModel } from '@rondo/ui/session'
import type { VNode } from 'preact'
import type { ViewProps } from './app.tsx'

export function RingPanel({ state, now }: ViewProps): VNode {
  return (
    <section class="panel area-ring" aria-label="Ring">
      <RingView model={ringModel(state, now)} centre={ringCentre(state)} beat={ringBeat(state)} />
    </section>
  )
}

/** The panel of a launch that goes on, under the cell that asked for it; nothing while there is none. */
import type { ReadonlySignal } from '@preact/signals'
import type { VNode } from 'preact'
import { RunPanel, type RunPanelView } from '../run-panel/index.ts'

export function LiveRunPanel({ view }: { view: ReadonlySignal<RunPanelView | null> }): VNode | null {
  const shown = view.value
  return shown === null ? null : <RunPanel view={shown} />
}

/** The panel under a cell that launched a run. Draws a view, live or frozen. Not for: computing it (panel-view.ts). */
import type { VNode } from 'preact'
import type { RunPanelView } from './panel-view.ts'

export interface RunPanelProps {
  view: RunPanelView
}

export function RunPanel({ view }: RunPanelProps): VNode {
  return <section class="run-panel">{view.headline}</section>
}

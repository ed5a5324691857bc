/** The panel under a cell that launched a run: its state, its live and frozen form, its look. */
export { freezeRun, thawRun } from './frozen.ts'
export { isFrequent, newRunPanel, type RunPanelAction, type RunPanelState, runPanelReducer } from './panel-state.ts'
export { panelView, type RunPanelView, type Viewer } from './panel-view.ts'
export { RunPanel, type RunPanelProps } from './run-panel.tsx'

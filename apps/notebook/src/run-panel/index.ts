/** The panel under a cell that launched a run: its state, its live and frozen form, its look. */
export { freezeRun, thawRun } from './frozen.ts'
export { isFrequent, newRunPanel, type RunPanelAction, type RunPanelState, runPanelReducer } from './panel-state.ts'
export { panelView, type RunPanelView } from './panel-view.ts'
export { RunPanel } from './run-panel.tsx'

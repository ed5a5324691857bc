/** Rondo's look: tokens (styles.css) and the widgets that more than one page uses. Imported by apps only. */
export { CopyField } from './copy-field.tsx'
export {
  formatAgo,
  formatBytes,
  formatCount,
  formatDuration,
  formatFigure,
  formatLoss,
  formatMemory,
  formatMs,
  formatShare,
  plural,
} from './format.ts'
export { Logo } from './logo.tsx'
export { type ChartData, type ChartLine, LossChart } from './loss-chart.tsx'
export { PeopleList } from './people-list.tsx'
export { ProgressBar } from './progress-bar.tsx'
export { QrCode } from './qr-code.tsx'
export { linkFrom, type RingLink, type RingModel, type RingSeat } from './ring-model.ts'
export { RankChip } from './ring-table.tsx'
export { RingView } from './ring-view.tsx'
export { carrierName, rankColour, rankDash } from './series.ts'
export { StatusMark, type Tone } from './status-mark.tsx'
export { StepBar, StepLanes } from './step-bar.tsx'
export { restoreTheme, ThemeToggle } from './theme-toggle.tsx'

/** Outputs of cells: how they are collected and how they are shown. Markdown cells are drawn by the same Markdown view. */
export { type ErrorPlace, errorPlace } from './error-place.ts'
export { appendOutputs, replaceDisplay } from './merge.ts'
export { OutputArea } from './output-area.tsx'
export { MarkdownView } from './rich-view.tsx'

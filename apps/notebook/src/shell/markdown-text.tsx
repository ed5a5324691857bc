/** A Markdown cell as text, with its attachments in place. Drawn by the outputs' own sanitised Markdown view. */
import type { VNode } from 'preact'
import type { CellModel } from '../model/cell.ts'
import { MarkdownView } from '../outputs/index.ts'

/** `trusted`: also pictures of other origins are loaded; the text itself is shown either way, as Jupyter does. */
export function MarkdownText({ cell, trusted }: { cell: CellModel; trusted: boolean }): VNode {
  return <MarkdownView source={cell.source.value} attachments={cell.attachments.value} trusted={trusted} />
}

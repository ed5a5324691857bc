/** A Markdown cell as text, with its attachments in place. Drawn by the outputs' own sanitised Markdown view. */
import type { VNode } from 'preact'
import type { CellModel } from '../model/cell.ts'
import type { CellOutput } from '../model/notebook.ts'
import { OutputArea } from '../outputs/index.ts'

export function MarkdownText({ cell }: { cell: CellModel }): VNode {
  const source = withAttachments(cell)
  const outputs: CellOutput[] = [
    { kind: 'display', data: { 'text/markdown': source, 'text/plain': source }, metadata: {}, displayId: null },
  ]
  // Markdown is sanitised and runs nothing, so it is shown before a notebook is trusted, as Jupyter does.
  return <OutputArea outputs={outputs} cellId={cell.id} trusted running={false} />
}

/** `attachment:plot.png` as the address of the picture that the cell carries. */
function withAttachments(cell: CellModel): string {
  const attachments = cell.attachments.value
  if (attachments === null) return cell.source.value
  return cell.source.value.replace(/\battachment:([^\s)"'>]+)/g, (whole, name: string) => {
    const bundle = attachments[name] ?? attachments[decodeName(name)]
    const image = Object.entries(bundle ?? {}).find(([mime]) => mime.startsWith('image/'))
    return typeof image?.[1] === 'string' ? `data:${image[0]};base64,${image[1].replace(/\s/g, '')}` : whole
  })
}

function decodeName(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

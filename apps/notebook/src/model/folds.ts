/** What of a cell is folded away, where Jupyter keeps it: in the cell's metadata. */
import type { CellModel } from './cell.ts'

export type FoldPart = 'source' | 'outputs'

const KEYS = { source: 'source_hidden', outputs: 'outputs_hidden' } as const

export function isFolded(metadata: Readonly<Record<string, unknown>>, part: FoldPart): boolean {
  const hidden = jupyterOf(metadata)[KEYS[part]]
  return hidden === true || (part === 'outputs' && hidden === undefined && metadata['collapsed'] === true)
}

export function setFolded(cell: CellModel, part: FoldPart, folded: boolean): void {
  const metadata = cell.metadata.peek()
  const { [KEYS[part]]: _, ...others } = jupyterOf(metadata)
  const jupyter = folded ? { ...others, [KEYS[part]]: true } : others
  const { jupyter: _old, collapsed, ...rest } = metadata
  cell.setMetadata({
    ...rest,
    ...(collapsed === undefined ? {} : { collapsed: part === 'outputs' ? folded : collapsed }),
    ...(Object.keys(jupyter).length > 0 ? { jupyter } : {}),
  })
}

function jupyterOf(metadata: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const value = metadata['jupyter']
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

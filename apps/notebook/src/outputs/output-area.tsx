/** A cell's outputs, in order, each by its own view. Not for: collecting them (merge.ts) or the cell around them. */
import type { VNode } from 'preact'
import type { CellOutput } from '../model/notebook.ts'
import type { ErrorPlace } from './error-place.ts'

export interface OutputAreaProps {
  outputs: readonly CellOutput[]
  cellId: string
  /** False until the reader trusts the notebook: then only plain text and images are shown. */
  trusted: boolean
  /** While true the area does not get smaller, so that nothing below it jumps. */
  running: boolean
  /** Text of a line (1-based) of a cell as it is now, for errors; null when cell or line is gone. */
  sourceLine?: (cellId: string, line: number) => string | null
  /** A person wants to see this place in the editor. */
  onJump?: (place: ErrorPlace) => void
}

export function OutputArea({ outputs, cellId }: OutputAreaProps): VNode {
  return (
    <div class="outputs" data-testid="outputs" data-cell={cellId}>
      {outputs.map((output, i) => (
        <pre key={i}>{output.kind === 'stream' ? output.text : output.kind}</pre>
      ))}
    </div>
  )
}

/**
 * How a list of outputs is laid out: streams in a row are one log, values of several ranks stand side by side.
 * Pure. Not for: drawing them.
 */
import type { CellOutput } from '../model/notebook.ts'
import type { StreamOutput } from './log-buffer.ts'

export type ValueOutput = Exclude<CellOutput, { kind: 'stream' | 'error' }>
export type ErrorOutput = Extract<CellOutput, { kind: 'error' }>

export type Block =
  | { kind: 'log'; key: string; outputs: StreamOutput[] }
  | { kind: 'value'; key: string; output: ValueOutput }
  /** Values of ranks that belong together, in the order in which they came. */
  | { kind: 'ranks'; key: string; values: Array<{ rank: number; output: ValueOutput }> }
  | { kind: 'error'; key: string; output: ErrorOutput }

/** Keys hold while outputs are appended; a display keeps its own wherever it moves. */
export function blocksOf(outputs: readonly CellOutput[]): Block[] {
  const blocks: Block[] = []
  outputs.forEach((output, i) => {
    const last = blocks.at(-1)
    switch (output.kind) {
      case 'stream':
        if (last?.kind === 'log') last.outputs.push(output)
        else blocks.push({ kind: 'log', key: `log-${i}`, outputs: [output] })
        return
      case 'error':
        blocks.push({ kind: 'error', key: `error-${i}`, output })
        return
      case 'display':
      case 'result': {
        const rank = rankOf(output.metadata)
        const key = output.kind === 'display' && output.displayId !== null ? `${output.displayId}-${i}` : `value-${i}`
        if (rank === null) blocks.push({ kind: 'value', key, output })
        else if (last?.kind === 'ranks') last.values.push({ rank, output })
        else blocks.push({ kind: 'ranks', key, values: [{ rank, output }] })
        return
      }
      default:
        output satisfies never
    }
  })
  return blocks
}

/** The rank that a value came from: `metadata.rondo.rank`; null for the notebook's own. */
export function rankOf(metadata: Readonly<Record<string, unknown>>): number | null {
  const own = metadata['rondo']
  if (typeof own !== 'object' || own === null) return null
  const { rank } = own as { rank?: unknown }
  return typeof rank === 'number' && Number.isInteger(rank) && rank >= 0 ? rank : null
}

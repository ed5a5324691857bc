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
  | { kind: 'ranks'; key: string; values: Array<{ ranks: number[]; output: ValueOutput }> }
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
        const ranks = ranksOf(output.metadata)
        const key = output.kind === 'display' && output.displayId !== null ? `${output.displayId}-${i}` : `value-${i}`
        if (ranks === null) blocks.push({ kind: 'value', key, output })
        else if (last?.kind === 'ranks') last.values.push({ ranks, output })
        else blocks.push({ kind: 'ranks', key, values: [{ ranks, output }] })
        return
      }
      default:
        output satisfies never
    }
  })
  return blocks
}

/** The ranks that a value came from: `metadata.rondo.ranks`; null for the notebook's own. */
function ranksOf(metadata: Readonly<Record<string, unknown>>): number[] | null {
  const own = metadata['rondo']
  if (typeof own !== 'object' || own === null) return null
  const { ranks } = own as { ranks?: unknown }
  const isRank = (rank: unknown) => Number.isInteger(rank) && (rank as number) >= 0
  return Array.isArray(ranks) && ranks.length > 0 && ranks.every(isRank) ? ranks : null
}

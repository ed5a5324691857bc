/** Values of several ranks as one value of a cell: shown side by side, and readable by code as a list. */
import type { InspectNode, MimeBundle } from '@rondo/kernel'
import { MIME } from '@rondo/kernel/output'

/** The method by which a value says what it looks like, also in other JavaScript kernels for Jupyter. */
const DISPLAY = Symbol.for('Jupyter.display')

/** A table with a few rows that people read. */
export class RankTable {
  constructor(
    readonly columns: string[],
    readonly rows: unknown[][],
  ) {}

  [DISPLAY](): MimeBundle {
    const lines = [this.columns, ...this.rows].map((row) => row.join('  '))
    return {
      'text/plain': lines.join('\n'),
      [MIME.table]: { columns: this.columns, rows: this.rows, total: this.rows.length },
    }
  }
}

/** One value a rank, in rank order. Rank 0's is the first. */
export class RankValues {
  constructor(readonly values: ReadonlyArray<{ rank: number; value: unknown }>) {}

  /** @param describe how a single value is shown */
  bundle(describe: (value: unknown) => MimeBundle): MimeBundle {
    const shown = this.values.map(({ rank, value }) => ({ rank, bundle: describe(value) }))
    const text = shown.map(({ rank, bundle }) => `rank ${rank}: ${indented(String(bundle['text/plain'] ?? ''))}`)
    const children = shown.map(({ rank, bundle }): InspectNode => ({ ...nodeOf(bundle), key: `rank ${rank}` }))
    return {
      'text/plain': text.join('\n'),
      [MIME.inspect]: {
        kind: 'ranks',
        text: shown.length === 1 ? '1 rank' : `${shown.length} ranks`,
        children,
      } satisfies InspectNode,
    }
  }
}

function nodeOf(bundle: MimeBundle): InspectNode {
  const tree = bundle[MIME.inspect] as InspectNode | undefined
  return tree ?? { kind: 'value', text: String(bundle['text/plain'] ?? '') }
}

function indented(text: string): string {
  return text.replaceAll('\n', '\n  ')
}

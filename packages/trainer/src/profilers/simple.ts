/** How long each action took, how often, and its share of all time: the table of Lightning's `SimpleProfiler`. */
import type { Stage } from '../hooks.ts'
import { Profiler } from './profiler.ts'

const MS_PER_S = 1_000

export interface ActionTime {
  action: string
  calls: number
  /** Seconds. */
  mean: number
  total: number
  /** Of all time since the verb began, 0 to 100. Actions contain each other, so shares add up to more. */
  percent: number
}

/** Calls, mean and total of each of the trainer's actions, as a table; Lightning's SimpleProfiler. */
export class SimpleProfiler extends Profiler {
  private readonly times = new Map<string, { calls: number; ms: number }>()
  private readonly open = new Map<string, number[]>()
  private began = performance.now()

  override setup(_stage: Stage): void {
    this.times.clear()
    this.open.clear()
    this.began = performance.now()
  }

  override start(action: string): void {
    const open = this.open.get(action) ?? []
    open.push(performance.now())
    this.open.set(action, open)
  }

  override stop(action: string): void {
    const started = this.open.get(action)?.pop()
    if (started === undefined) return
    const entry = this.times.get(action) ?? { calls: 0, ms: 0 }
    entry.calls += 1
    entry.ms += performance.now() - started
    this.times.set(action, entry)
  }

  /** What was measured, the longest first. */
  actions(): ActionTime[] {
    const all = performance.now() - this.began
    return [...this.times]
      .map(([action, { calls, ms }]) => ({
        action,
        calls,
        mean: ms / calls / MS_PER_S,
        total: ms / MS_PER_S,
        percent: all > 0 ? (100 * ms) / all : 0,
      }))
      .sort((a, b) => b.total - a.total)
  }

  override summary(): string {
    const rows = this.actions()
    if (rows.length === 0) return ''
    const seconds = (performance.now() - this.began) / MS_PER_S
    return table('Profiler report', [
      ['Action', 'Mean duration (s)', 'Num calls', 'Total time (s)', 'Percentage %'],
      ['Total', '-', String(rows.reduce((sum, { calls }) => sum + calls, 0)), fixed(seconds), '100'],
      ...rows.map((row) => [
        row.action,
        fixed(row.mean),
        String(row.calls),
        fixed(row.total),
        row.percent.toPrecision(4),
      ]),
    ])
  }
}

/** Columns side by side, the first to the left; a line below the head. */
export function table(title: string, rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  const lines = rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number))).join('  '),
  )
  const rule = '-'.repeat(lines[0]?.length ?? 0)
  return [title, rule, lines[0], rule, ...lines.slice(1), rule].join('\n')
}

function fixed(seconds: number): string {
  return seconds.toPrecision(5)
}

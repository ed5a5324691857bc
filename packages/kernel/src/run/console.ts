/**
 * The `console` of cells: lines go to the execution that prints them, `warn` and `error` to its stderr. Follows the
 * WHATWG console standard where a notebook has the means. How a value looks as text is injected.
 */
import { formatMessage } from './format-message.ts'

export interface ConsoleSink {
  write(stream: 'stdout' | 'stderr', text: string): void
  /** Shows a value richly, for `console.table`. */
  show(value: unknown): void
  clear(): void
  text(value: unknown): string
}

/** Spaces that a group indents by, as browsers and Node do. */
const INDENT = 2

export function createConsole(sink: ConsoleSink): Record<string, unknown> {
  let depth = 0
  const counts = new Map<string, number>()
  const started = new Map<string, number>()
  const line = (stream: 'stdout' | 'stderr', text: string): void => {
    const indent = ' '.repeat(depth * INDENT)
    sink.write(stream, `${depth === 0 ? text : text.replace(/^/gm, indent)}\n`)
  }
  const out = (...args: unknown[]): void => line('stdout', formatMessage(args, sink.text))
  const err = (...args: unknown[]): void => line('stderr', formatMessage(args, sink.text))
  const elapsed = (label: string, rest: unknown[]): void => {
    const start = started.get(label)
    if (start === undefined) line('stderr', `console.time('${label}') has not been called`)
    else out(`${label}: ${formatMilliseconds(performance.now() - start)}`, ...rest)
  }
  const group = (...labels: unknown[]): void => {
    if (labels.length > 0) out(...labels)
    depth++
  }
  return {
    log: out,
    info: out,
    debug: out,
    warn: err,
    error: err,
    dir: (value: unknown) => out(value),
    dirxml: out,
    table: (value: unknown) => (typeof value === 'object' && value !== null ? sink.show(value) : out(value)),
    trace: (...args: unknown[]) => err('Trace:', ...args),
    assert: (condition: unknown, ...args: unknown[]) => {
      if (condition) return
      if (args.length === 0) err('Assertion failed')
      else err('Assertion failed:', ...args)
    },
    clear: () => {
      depth = 0
      sink.clear()
    },
    count: (label: unknown = 'default') => {
      const count = (counts.get(String(label)) ?? 0) + 1
      counts.set(String(label), count)
      out(`${String(label)}: ${count}`)
    },
    countReset: (label: unknown = 'default') => void counts.delete(String(label)),
    group,
    groupCollapsed: group,
    groupEnd: () => {
      depth = Math.max(0, depth - 1)
    },
    time: (label: unknown = 'default') => void started.set(String(label), performance.now()),
    timeLog: (label: unknown = 'default', ...rest: unknown[]) => elapsed(String(label), rest),
    timeEnd: (label: unknown = 'default') => {
      elapsed(String(label), [])
      started.delete(String(label))
    },
  }
}

/** A duration as people read it: 3.2 ms, 1.52 s. */
export function formatMilliseconds(milliseconds: number): string {
  if (milliseconds < 1000) return `${milliseconds.toFixed(milliseconds < 10 ? 2 : 1)} ms`
  return `${(milliseconds / 1000).toFixed(2)} s`
}

/**
 * What a profiler is: it is told when an action of the loops begins and ends, and says something about them at the end.
 * Extend it for one of one's own. Names are those of Lightning's `Profiler`. Not for: which actions there are (run.ts).
 */
import type { RunFiles } from '@rondo/fabric'
import type { Stage } from '../hooks.ts'

export interface ProfilerOptions {
  /** Folder of the report, relative to the run's; default the run's own. */
  dirpath?: string
  /** Name of the report without its ending; it begins with the verb: `fit-profile.txt`. Default `profile`. */
  filename?: string
}

/** Where a report goes. */
export interface ReportPlace {
  stage: Stage
  /** null where no run has a folder. */
  files: RunFiles | null
  print(text: string): void
}

/** What a trainer tells which action begins and ends; extend it for one of one's own. Lightning's Profiler. */
export abstract class Profiler {
  readonly dirpath: string
  readonly filename: string

  constructor({ dirpath = '', filename = 'profile' }: ProfilerOptions = {}) {
    this.dirpath = dirpath.replace(/\/+$/, '')
    this.filename = filename
  }

  /** A verb begins. */
  setup?(stage: Stage): void

  /** The action begins. */
  abstract start(action: string): void

  /** The action that began last under this name is over. */
  abstract stop(action: string): void

  /** What there is to say; an empty text for nothing. */
  summary(): string {
    return ''
  }

  /** Runs `fn` as an action; for one's own parts of a module. */
  profile<T>(action: string, fn: () => T): T {
    return profiled(this, action, fn)
  }

  /** Runs a forward and backward; for profilers that look into them. */
  kernels<T>(fn: () => Promise<T>): Promise<T> {
    return fn()
  }

  /** Writes the summary to the terminal, and to the run's folder where there is one; on rank 0. */
  async describe({ stage, files, print }: ReportPlace): Promise<void> {
    const text = this.summary()
    if (text === '') return
    print(text)
    const folder = this.dirpath === '' ? '' : `${this.dirpath}/`
    await files?.write(`${folder}${stage}-${this.filename}.txt`, new TextEncoder().encode(text))
  }
}

/** An action that ends when `fn` returns, or when its promise settles. */
export function profiled<T>(profiler: Pick<Profiler, 'start' | 'stop'> | null, action: string, fn: () => T): T {
  if (profiler === null) return fn()
  profiler.start(action)
  let result: T
  try {
    result = fn()
  } catch (error) {
    profiler.stop(action)
    throw error
  }
  if (result instanceof Promise) return result.finally(() => profiler.stop(action)) as T
  profiler.stop(action)
  return result
}

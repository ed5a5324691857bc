/**
 * Which execution code belongs to. One runs in the foreground at a time; code of earlier ones may still go on after
 * an await or in a timer, and then what it prints belongs under its own cell. Runs and prints nothing itself.
 */
import type { AwaitContext } from './awaits.ts'

/** One try to run one cell. */
export class Execution {
  readonly controller = new AbortController()
  /** Its cell runs again: what this one still prints is dropped. */
  superseded = false
  /** The person pressed Stop while the cell's code ran. */
  interrupted = false
  /** The cell's code has ended; what goes on is in the background. */
  settled = false
  private readonly cancels = new Set<() => void>()

  constructor(
    readonly id: string,
    readonly cellId: string,
    readonly cellNumber: number,
  ) {}

  /** Something to be called off when the execution is stopped or superseded; forget it with what comes back. */
  onCancel(cancel: () => void): () => void {
    this.cancels.add(cancel)
    return () => this.cancels.delete(cancel)
  }

  /** Ends timers and the like. */
  cancelPending(): void {
    for (const cancel of [...this.cancels]) cancel()
    this.cancels.clear()
  }
}

export class Executions implements AwaitContext {
  private running: Execution | null = null
  private foreground: Execution | null = null
  /** The last execution of each cell. */
  private readonly latest = new Map<string, Execution>()
  /** Who met an error first, for those that nobody catches. */
  private readonly owners = new WeakMap<object, Execution>()

  constructor(private readonly annotate: (error: object) => void) {}

  /** The execution that code which runs right now belongs to; the last one when nothing says. */
  current(): Execution | null {
    return this.running ?? this.foreground
  }

  /** Brings an execution to the foreground and takes the word from an earlier one of the same cell. */
  begin(execution: Execution): void {
    const before = this.latest.get(execution.cellId)
    if (before !== undefined) {
      before.superseded = true
      before.cancelPending()
    }
    this.latest.set(execution.cellId, execution)
    this.foreground = execution
    this.running = execution
  }

  /** Called where awaiting code goes on. What this code calls and what follows it up to its next await is its own. */
  enter(context: unknown): void {
    const execution = context as Execution | null
    this.running = execution
    if (execution === this.foreground) return
    // Runs when the code that goes on now has yielded again.
    queueMicrotask(() => {
      if (this.running === execution) this.running = this.foreground
    })
  }

  /** Calls back into an execution, from a timer. */
  callIn<T>(execution: Execution, call: () => T): T {
    const before = this.running
    this.running = execution
    try {
      return call()
    } finally {
      this.running = before
    }
  }

  isDead(context: unknown): boolean {
    const execution = context as Execution | null
    return execution?.interrupted === true && execution.settled
  }

  saw(error: unknown, context: unknown): void {
    if (typeof error !== 'object' || error === null) return
    if (context instanceof Execution && !this.owners.has(error)) this.owners.set(error, context)
    this.annotate(error)
  }

  /** Whose an error is that nobody caught. */
  ownerOf(error: unknown, cellId: string | null): Execution | null {
    const known = typeof error === 'object' && error !== null ? this.owners.get(error) : undefined
    return known ?? (cellId === null ? undefined : this.latest.get(cellId)) ?? this.current()
  }

  /** Every execution whose code may still run. */
  all(): Execution[] {
    return [...this.latest.values()]
  }
}

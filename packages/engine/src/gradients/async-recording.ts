/**
 * A tape for a function that waits for other ranks: it is on only while that function itself runs, so that what anybody
 * else computes in between is not recorded and keeps its tensors. Not for: functions that do not wait (tape.ts).
 */
import { invariant, RondoError } from '@rondo/protocol'
import { tf } from '../tfjs.ts'
import type { Recorded, TapeNode } from './tape.ts'

/** What of tfjs's engine says that it records, and which tensors a scope will free (tfjs-core/src/engine.ts). */
interface EngineState {
  activeTape: TapeNode[] | null
  gradientDepth: number
  activeScope: unknown
  scopeStack: unknown[]
}

interface ScopedEngine {
  state: EngineState
  startTape(): void
  endTape(): void
  startScope(name?: string): void
  endScope(result?: tf.TensorContainer): void
}

/** The recording whose function runs at this moment. */
let current: AsyncRecording | null = null

/** The one that is under way where this is called; null outside of asynchronous losses. */
export function currentRecording(): AsyncRecording | null {
  return current
}

export class AsyncRecording {
  private readonly engine = tf.engine() as unknown as ScopedEngine
  /** While it is off: its own state; while it is on: that of the others. */
  private other: EngineState | null = null

  /** Begins, and is off until `run`. */
  constructor() {
    this.other = { ...this.engine.state, activeTape: [], gradientDepth: 1 }
    this.run(() => this.engine.startScope('asynchronous loss'))
  }

  on(): void {
    invariant(current === null, 'one asynchronous loss records at a time')
    current = this
    this.swap()
  }

  off(): void {
    if (current !== this) return
    current = null
    this.swap()
  }

  /** Runs `f` while it is on. */
  run<T>(f: () => T): T {
    if (current === this) return f()
    this.on()
    try {
      return f()
    } finally {
      this.off()
    }
  }

  /** A promise after which the waiting function goes on under the tape, if it waits for nothing else. */
  resumed<T>(promise: Promise<T>): PromiseLike<T> {
    return {
      // biome-ignore lint/suspicious/noThenProperty: the way to know when the one who waits goes on
      then: (fulfilled, rejected) =>
        promise.then((value) => {
          // Three microtasks in a row: what `fulfilled` wakes runs between the other two.
          queueMicrotask(() => this.on())
          const result = fulfilled ? fulfilled(value) : (value as never)
          queueMicrotask(() => this.off())
          return result
        }, rejected),
    }
  }

  /** Ends with what the function came to; null when it failed. */
  finish<T extends tf.Tensor>(value: T | null): Recorded<T> | null {
    return this.run(() => {
      const { engine } = this
      engine.endScope(value ?? undefined)
      const tape = engine.state.activeTape ?? []
      engine.state.activeTape = null
      engine.state.gradientDepth = 0
      if (value !== null) return { value, tape }
      for (const { saved } of tape) tf.dispose(saved)
      return null
    })
  }

  private swap(): void {
    const { state } = this.engine
    const { activeTape, gradientDepth, activeScope, scopeStack } = state
    const others = { activeTape, gradientDepth, activeScope, scopeStack: [...scopeStack] }
    const { other } = this
    invariant(other, 'a recording has a state')
    Object.assign(state, { ...other, scopeStack: [...other.scopeStack] })
    this.other = others
  }
}

/** Runs an asynchronous loss under a tape. Throws BAD_ARGUMENT when it waits for what is not recorded. */
export async function recordAsync(f: () => Promise<tf.Tensor>): Promise<Recorded> {
  const recording = new AsyncRecording()
  let value: tf.Tensor | null = null
  try {
    value = await recording.run(f)
  } finally {
    if (value === null) recording.finish(null)
  }
  const recorded = recording.finish(value) as Recorded
  if (recorded.tape.some(({ outputs }) => outputs.some(({ id }) => id === recorded.value.id))) return recorded
  for (const { saved } of recorded.tape) tf.dispose(saved)
  throw new RondoError(
    'BAD_ARGUMENT',
    'backward(async lossFn): the loss was computed after the function had waited for something that keeps no gradient. It may wait for fabric.allGather(data, { syncGrads: true }), each awaited by itself. Wait for everything else before backward.',
  )
}

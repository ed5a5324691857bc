/**
 * Every `await` of compiled code passes here, for two things: interrupting rejects all that is pending, and code
 * that goes on does so in the execution it began in. Promises are chained so that the engine's async stacks still
 * reach through them. Knows nothing of what an execution is.
 */
import { hideThisFile } from '../errors/own-files.ts'
import { Interrupted } from './interrupted.ts'
import type { Held } from './types.ts'

hideThisFile()

/** Where awaiting code belongs. */
export interface AwaitContext {
  current(): unknown
  enter(context: unknown): void
  /** Whether code of this context may not wait any more, because it was stopped for good. */
  isDead(context: unknown): boolean
  /** Told where code saw an error that it did not throw itself. */
  saw(error: unknown, context: unknown): void
}

const STOPPED = Symbol('stopped')
/** Awaits that throw at once in code that was stopped for good, so that it can clean up; then it waits for ever. */
const LAST_AWAITS = 100

export class Awaits {
  private readonly pending = new Map<(held: Held) => void, unknown>()
  private readonly lastAwaits = new WeakMap<object, number>()

  constructor(private readonly context: AwaitContext) {}

  /** Never rejects: a rejection travels as a Held and is thrown by `resume`, in its own execution. */
  readonly hold = (value: unknown): Promise<Held> => {
    const context = this.context.current()
    if (this.context.isDead(context)) return this.stopped(context as object)
    let resolve!: (held: Held) => void
    const outcome = new Promise<Held>((settle) => {
      resolve = settle
    })
    const settled = Promise.resolve(value).then(
      (result): Held => {
        this.pending.delete(resolve)
        return { context, ok: true, value: result }
      },
      (error: unknown): Held => {
        this.pending.delete(resolve)
        return { context, ok: false, value: error }
      },
    )
    this.pending.set(resolve, context)
    settled.then(resolve)
    return outcome
  }

  /** A loop that swallows errors would spin for ever on awaits that fail at once: it ends by never going on. */
  private stopped(context: object): Promise<Held> {
    const count = (this.lastAwaits.get(context) ?? 0) + 1
    this.lastAwaits.set(context, count)
    if (count > LAST_AWAITS) return new Promise<never>(() => undefined)
    return Promise.resolve({ context, ok: false, value: STOPPED })
  }

  readonly resume = (held: Held): unknown => {
    this.context.enter(held.context)
    if (held.ok) return held.value
    if (held.value === STOPPED) throw new Interrupted()
    this.context.saw(held.value, held.context)
    throw held.value
  }

  /**
   * What `for await` runs over. Outcomes come as objects whose `done` and `value`, which the loop reads as soon as it
   * goes on, enter the execution and resume.
   */
  readonly iterate = (
    iterable: unknown,
  ): AsyncIterable<{ readonly value: unknown }> & AsyncIterator<{ readonly value: unknown }> => {
    const iterator = openIterator(iterable)
    let ended = false
    const { context, resume } = this
    const next = async (): Promise<IteratorResult<{ readonly value: unknown }>> => {
      const held = await this.hold(attempt(() => iterator.next()))
      if (held.ok && isDone(held.value)) {
        ended = true
        return {
          get done() {
            context.enter(held.context)
            return true as const
          },
          value: undefined,
        }
      }
      ended = !held.ok
      const outcome: Held = held.ok ? { ...held, value: (held.value as { value: unknown }).value } : held
      return {
        done: false,
        value: {
          get value() {
            return resume(outcome)
          },
        },
      }
    }
    return {
      [Symbol.asyncIterator]() {
        return this
      },
      next: () => (ended ? Promise.resolve({ done: true, value: undefined }) : next()),
      // A loop that is left closes its iterator, unless it is the iterator that failed.
      return: () => {
        const at = context.current()
        const close = ended ? null : attemptClose(iterator)
        ended = true
        return new Promise((resolve, reject) => {
          const settle = (call: () => void) => (): void => {
            // In this order: the loop's own continuation is queued first, and finds where it belongs.
            call()
            context.enter(at)
          }
          Promise.resolve(close).then(
            settle(() => resolve({ done: true, value: undefined })),
            (error: unknown) => settle(() => reject(error))(),
          )
        })
      },
    }
  }

  /** Code that waits now goes on with an error; what it waits for is left alone. */
  interrupt(which: (context: unknown) => boolean = () => true): void {
    for (const [resolve, context] of [...this.pending]) {
      if (!which(context)) continue
      this.pending.delete(resolve)
      resolve({ context, ok: false, value: STOPPED })
    }
  }
}

interface AnyIterator {
  next(): unknown
  return?(): unknown
}

function openIterator(iterable: unknown): AnyIterator {
  const object = iterable as { [Symbol.asyncIterator]?: () => AnyIterator; [Symbol.iterator]?: () => AnyIterator }
  const open = object?.[Symbol.asyncIterator]
  if (typeof open === 'function') return open.call(object)
  const openSync = object?.[Symbol.iterator]
  if (typeof openSync !== 'function') throw new TypeError('The value after "for await … of" is not iterable')
  const iterator = openSync.call(object)
  return {
    next: async () => {
      const result = iterator.next() as { done?: boolean; value: unknown }
      return result.done === true ? result : { done: false, value: await result.value }
    },
    return: () => iterator.return?.(),
  }
}

/** A throw of the iterator's own is a rejection, as in an async function. */
async function attempt(call: () => unknown): Promise<unknown> {
  const result = await call()
  if (typeof result !== 'object' || result === null) throw new TypeError('An iterator gave a result that is no object')
  return result
}

async function attemptClose(iterator: AnyIterator): Promise<void> {
  await iterator.return?.()
}

function isDone(result: unknown): boolean {
  return Boolean((result as { done?: unknown }).done)
}

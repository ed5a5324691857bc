/** The timers that cells see: they fire in the execution that set them, and end with it. */
import { hideThisFile } from '../errors/own-files.ts'
import type { Execution, Executions } from './execution.ts'

hideThisFile()

type Callback = (...args: unknown[]) => unknown
type SetTimer = (...args: [callback: unknown, ...rest: unknown[]]) => unknown
type ClearTimer = (id: unknown) => void

/** Timers that a platform may have, each with the function that clears it. */
const PAIRS = [
  { set: 'setTimeout', clear: 'clearTimeout', repeats: false },
  { set: 'setInterval', clear: 'clearInterval', repeats: true },
  { set: 'requestAnimationFrame', clear: 'cancelAnimationFrame', repeats: false },
] as const

/** `onError` gets what a callback throws. */
export function createTimers(
  executions: Executions,
  onError: (error: unknown, execution: Execution) => void,
): Record<string, unknown> {
  const platform = globalThis as unknown as Record<string, ((...args: unknown[]) => unknown) | undefined>
  const forget = new Map<unknown, () => void>()
  const timers: Record<string, unknown> = {}
  for (const { set, clear, repeats } of PAIRS) {
    const [start, stop] = [platform[set], platform[clear]]
    if (start === undefined || stop === undefined) continue
    const clearTimer: ClearTimer = (id) => {
      forget.get(id)?.()
      stop.call(globalThis, id)
    }
    const setTimer: SetTimer = (callback, ...rest) => {
      if (!isCallback(callback)) {
        throw new TypeError(
          `${set}(${String(callback)}): the first argument must be a function; write () => … around it`,
        )
      }
      const execution = executions.current()
      if (execution === null) return start.call(globalThis, callback, ...rest)
      const id = start.call(
        globalThis,
        (...args: unknown[]) => {
          if (!repeats) forget.get(id)?.()
          try {
            return executions.callIn(execution, () => callback(...args))
          } catch (error) {
            return onError(error, execution)
          }
        },
        ...rest,
      )
      const cancel = execution.onCancel(() => clearTimer(id))
      forget.set(id, () => {
        cancel()
        forget.delete(id)
      })
      return id
    }
    timers[set] = setTimer
    timers[clear] = clearTimer
  }
  const microtask: SetTimer = (callback) => {
    if (!isCallback(callback)) throw new TypeError(`queueMicrotask(${String(callback)}): it takes a function`)
    const execution = executions.current()
    queueMicrotask(() => {
      try {
        if (execution === null) callback()
        else executions.callIn(execution, callback)
      } catch (error) {
        if (execution === null) throw error
        onError(error, execution)
      }
    })
    return undefined
  }
  timers['queueMicrotask'] = microtask
  return timers
}

function isCallback(value: unknown): value is Callback {
  return typeof value === 'function'
}

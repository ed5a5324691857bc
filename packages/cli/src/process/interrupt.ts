/**
 * Ctrl-C and the signals that end a program, as one AbortSignal: the first asks for a graceful end, further
 * ones within the grace are ignored, after it they end the process. Not for: what ending means (run, serve).
 */
import { RondoError } from '@rondo/protocol'

/** Milliseconds for a graceful end: ranks' `finally` blocks, browser, server. */
const GRACE_MS = 10_000
/** Milliseconds between two looks at whether npm, which started us, is still there. */
const PARENT_LOOK_MS = 1_000

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface Interrupt {
  readonly signal: AbortSignal
  /** Stops listening. */
  dispose(): void
}

/** @param onInterrupt called at the first signal, with its name; prints the line that tells what happens now */
export function listenForInterrupts(onInterrupt: (name: string) => void): Interrupt {
  const abort = new AbortController()
  let firstAt = 0
  const interrupt = (name: string): void => {
    if (!abort.signal.aborted) {
      firstAt = performance.now()
      onInterrupt(name)
      abort.abort(new RondoError('ABORTED', `Stopped by ${name === 'SIGINT' ? 'Ctrl-C' : name}.`))
    } else if (performance.now() - firstAt > GRACE_MS) {
      process.exit(1)
    }
  }
  const listeners = SIGNALS.map((name) => [name, () => interrupt(name)] as const)
  for (const [name, listener] of listeners) process.on(name, listener)
  const watch = watchParent(() => interrupt('the end of npm'))
  return {
    signal: abort.signal,
    dispose() {
      for (const [name, listener] of listeners) process.off(name, listener)
      clearInterval(watch)
    },
  }
}

/** A shell between npm and us may die of a signal without passing it on; then nobody can stop us any more. */
function watchParent(onGone: () => void): NodeJS.Timeout | undefined {
  if (process.env['npm_lifecycle_event'] === undefined || process.platform === 'win32') return undefined
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    onGone()
  }, PARENT_LOOK_MS)
  return watch.unref()
}

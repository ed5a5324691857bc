/**
 * Holds the state and publishes it: everything at once, except what ranks report many times a second, which
 * views get in calm batches. Not for: what an action means (state.ts).
 */
import { signal } from '@preact/signals'
import { initialState, type JoinAction, reduce } from './state.ts'

/** Milliseconds between two renders of figures: live to the eye, calm to read, cheap beside a rank. */
const PUBLISH_INTERVAL_MS = 250

export function createStore(pageId: string) {
  let current = initialState(pageId)
  let timer: ReturnType<typeof setTimeout> | null = null
  const published = signal(current)
  const publish = () => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    published.value = current
  }
  return {
    /** What views render; lags behind `peek()` by the interval at most. */
    published,
    peek: () => current,
    dispatch(action: JoinAction): void {
      current = reduce(current, action)
      const frequent = action.type === 'run:event' && action.message.event.kind !== 'error'
      if (!frequent) publish()
      else timer ??= setTimeout(publish, PUBLISH_INTERVAL_MS)
    },
  }
}

export type JoinStore = ReturnType<typeof createStore>

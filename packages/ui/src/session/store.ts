/**
 * Holds a reduced state and publishes it: everything at once, except what ranks report many times a second, which
 * views get in calm batches. Not for: what an action means (the reducer).
 */
import { type ReadonlySignal, signal } from '@preact/signals'

/** Milliseconds between two renders of figures: live to the eye, calm to read, cheap beside a rank. */
const PUBLISH_INTERVAL_MS = 250

export interface Store<S, A> {
  /** What views render; lags behind `peek()` by the interval at most. */
  readonly published: ReadonlySignal<S>
  peek(): S
  dispatch(action: A): void
}

/** `isFrequent` tells the actions that may wait for the next batch. */
export function createStore<S, A>(
  initial: S,
  reduce: (state: S, action: A) => S,
  isFrequent: (action: A) => boolean,
): Store<S, A> {
  let current = initial
  let timer: ReturnType<typeof setTimeout> | null = null
  const published = signal(current)
  const publish = () => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    published.value = current
  }
  return {
    published,
    peek: () => current,
    dispatch(action) {
      current = reduce(current, action)
      if (!isFrequent(action)) publish()
      else timer ??= setTimeout(publish, PUBLISH_INTERVAL_MS)
    },
  }
}

/**
 * Tells workers of one browser that another of them died, within milliseconds: each holds a web lock while
 * it lives, and the browser gives the lock to whoever waits for it when the worker, its tab or its process
 * is gone. Ports have no close event in Chromium 156 (measured), so this is how port links end. Not for:
 * workers of other browsers.
 */

export interface Presence {
  /** Sent to peers, which watch it. Null in insecure contexts, which have no web locks. */
  readonly name: string | null
  release(): void
}

/** Resolves when the lock is held: only then may the name be told. */
export async function holdPresence(): Promise<Presence> {
  const locks = globalThis.navigator?.locks
  if (!locks) return { name: null, release: () => {} }
  const name = `rondo-${crypto.randomUUID()}`
  let release!: () => void
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  await new Promise<void>((resolve, reject) => {
    locks
      .request(name, () => {
        resolve()
        return held
      })
      .catch(reject)
  })
  return { name, release }
}

/** Calls `gone` once when the holder of `name` let go or died. `signal` ends the watch. */
export function watchPresence(name: string, gone: () => void, signal: AbortSignal): void {
  // Shared: many peers watch one rank, and none of them keeps the others waiting.
  globalThis.navigator?.locks?.request(name, { mode: 'shared', signal }, gone).catch(() => {
    // Only an aborted watch rejects.
  })
}

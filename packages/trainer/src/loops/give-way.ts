/**
 * Lets other tasks of this worker run: messages, interrupts, drawing. A loop that only ever awaits finished promises
 * would never let go of its task. Not for: waiting.
 */

/** Milliseconds a loop may keep its task. */
const KEEP_MS = 30

let kept = performance.now()

/** Returns in a task of its own when the last one is long ago. A message to oneself: timers are held back in hidden tabs. */
export async function giveWay(): Promise<void> {
  if (performance.now() - kept < KEEP_MS) return
  const { port1, port2 } = new MessageChannel()
  await new Promise<void>((resolve) => {
    port1.onmessage = () => resolve()
    port2.postMessage(null)
  })
  port1.close()
  port2.close()
  kept = performance.now()
}

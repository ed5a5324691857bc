/**
 * Gives the other tasks of this worker a turn: frames that arrived are reduced and sent on. A task of its own, behind
 * those that wait already; timers come late. Not for: waiting.
 */

/** The Prioritized Task Scheduling API, where there is one: no channel has to be made. */
interface TaskScheduler {
  postTask(task: () => void): Promise<void>
}

export async function turn(): Promise<void> {
  const { scheduler } = globalThis as { scheduler?: Partial<TaskScheduler> }
  if (scheduler?.postTask) return scheduler.postTask(() => {})
  const { port1, port2 } = new MessageChannel()
  await new Promise<void>((resolve) => {
    port1.onmessage = () => resolve()
    port2.postMessage(null)
  })
  port1.close()
}

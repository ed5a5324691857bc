/**
 * Gives the other tasks of this worker a turn: frames that arrived are reduced and sent on. A message to oneself,
 * because it queues behind them and before everything later; timers are late. Not for: waiting.
 */
export async function turn(): Promise<void> {
  const { port1, port2 } = new MessageChannel()
  await new Promise<void>((resolve) => {
    port1.onmessage = () => resolve()
    port2.postMessage(null)
  })
  port1.close()
}

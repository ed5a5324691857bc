/** The page's clock as a signal, for sentences such as "since 0:41". Ticks only while somebody looks. */
import { signal } from '@preact/signals'

const TICK_MS = 1_000

export function startClock() {
  const now = signal(Date.now())
  const tick = () => {
    if (document.visibilityState === 'visible') now.value = Date.now()
  }
  setInterval(tick, TICK_MS)
  document.addEventListener('visibilitychange', tick)
  return now
}

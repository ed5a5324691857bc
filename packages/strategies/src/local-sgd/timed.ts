/** Communication on the step's clock: what nothing goes on beside is exposed. */
import type { StepClock } from '../ddp/step-clock.ts'

export async function timed(clock: StepClock, name: string, communicate: () => Promise<void>): Promise<void> {
  const communicated = clock.enter('communication', name)
  try {
    await communicate()
  } finally {
    communicated()
  }
}

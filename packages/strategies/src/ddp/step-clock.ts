/**
 * Where the time of a step goes: compute, readback, communication, apply. Communication runs beside the
 * others, so its span is the union of all operations in flight, and what nobody waited for is hidden.
 */
import type { StepTimes } from '@rondo/protocol'

type Phase = 'compute' | 'readback' | 'communication' | 'apply'

/** All figures in milliseconds. One clock a replica; a step lasts from the first backward to the end of step(). */
export class StepClock {
  private spent = { compute: 0, readback: 0, communication: 0, apply: 0 }
  private stepStarted: number | null = null
  private inFlight = 0
  private communicationStarted = 0
  private waited = 0

  startStep(): void {
    this.stepStarted ??= performance.now()
  }

  /** Starts a phase; the returned function ends it. */
  enter(phase: Phase): () => void {
    const started = performance.now()
    if (phase !== 'communication') {
      return () => {
        this.spent[phase] += performance.now() - started
      }
    }
    if (this.inFlight++ === 0) this.communicationStarted = started
    return () => {
      if (--this.inFlight === 0) this.spent.communication += performance.now() - this.communicationStarted
    }
  }

  /** From here the rank does nothing but wait for the others. */
  enterWait(): () => void {
    const started = performance.now()
    return () => {
      this.waited += performance.now() - started
    }
  }

  /** Returns the figures of the step and starts the next. */
  finishStep(): { times: StepTimes; hiddenMs: number } {
    const total = this.stepStarted === null ? 0 : performance.now() - this.stepStarted
    const { compute, readback, communication, apply } = this.spent
    const hiddenMs = Math.max(0, communication - this.waited)
    this.spent = { compute: 0, readback: 0, communication: 0, apply: 0 }
    this.waited = 0
    this.stepStarted = null
    return { times: { compute, readback, communication, apply, total }, hiddenMs }
  }
}

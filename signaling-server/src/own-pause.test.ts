/** A pause of the server itself is told from a quiet minute, and only for a while. */
import { expect, it, onTestFinished } from 'vitest'
import { OwnPause, RETURN_MS } from './own-pause.ts'

function pauseAt(): { pause: OwnPause; pass(ms: number): void } {
  let now = 0
  const pause = new OwnPause(() => now)
  onTestFinished(() => pause.close())
  return {
    pause,
    pass: (ms) => {
      now += ms
    },
  }
}

it('sees no pause while somebody looks often enough', () => {
  const { pause, pass } = pauseAt()
  for (let second = 0; second < 60; second++) {
    pass(1_000)
    expect(pause.recent).toBe(false)
  }
})

it('sees one the first time it is asked afterwards, and forgets it when pages had time to come back', () => {
  const { pause, pass } = pauseAt()
  pass(15_000)
  expect(pause.recent).toBe(true)
  for (let ms = 0; ms < RETURN_MS - 2_000; ms += 1_000) {
    pass(1_000)
    expect(pause.recent).toBe(true)
  }
  pass(2_000)
  expect(pause.recent).toBe(false)
})

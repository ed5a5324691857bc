/** The two-watermark gate, as a property over any course of sends and drains. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SendGate } from './flow-control.ts'

const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('send' as const), bytes: fc.integer({ min: 1, max: 500 }) }),
    fc.record({ kind: fc.constant('drain' as const), bytes: fc.integer({ min: 1, max: 800 }) }),
  ),
  { maxLength: 60 },
)

describe('a send gate', () => {
  it('closes above the high mark only, opens at the low mark only, and shares one promise', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 1, max: 800 }), steps, (low, span, course) => {
        const gate = new SendGate({ low, high: low + span })
        let buffered = 0
        let closed = false
        let shared: Promise<void> | undefined
        for (const { kind, bytes } of course) {
          if (kind === 'send') {
            buffered += bytes
            const wait = gate.after(buffered)
            if (closed) expect(wait).toBe(shared)
            else expect(wait !== undefined).toBe(buffered > low + span)
            closed = wait !== undefined
            shared = wait
          } else {
            buffered = Math.max(0, buffered - bytes)
            gate.drained(buffered)
            if (buffered <= low) closed = false
          }
          expect(gate.closed).toBe(closed)
        }
      }),
    )
  })

  it('bounds what is on its way for a sender that waits', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 80 }), async (sizes) => {
        const gate = new SendGate({ low: 100, high: 400 })
        let buffered = 0
        let most = 0
        for (const bytes of sizes) {
          buffered += bytes
          most = Math.max(most, buffered)
          const wait = gate.after(buffered)
          if (!wait) continue
          queueMicrotask(() => {
            buffered = 50
            gate.drained(buffered)
          })
          await wait
        }
        expect(most).toBeLessThanOrEqual(400 + 300)
      }),
    )
  })

  it('fails whoever waits, and nobody else', async () => {
    const gate = new SendGate({ low: 1, high: 2 })
    const wait = gate.after(3)
    gate.fail(new Error('gone'))
    await expect(wait).rejects.toThrow('gone')
    expect(gate.closed).toBe(false)
  })

  it('counts the time that senders wait', async () => {
    const gate = new SendGate({ low: 1, high: 2 })
    gate.after(3)
    await new Promise((resolve) => setTimeout(resolve, 15))
    gate.drained(0)
    expect(gate.waitedMs).toBeGreaterThanOrEqual(14)
  })

  it('refuses watermarks that could never open', () => {
    expect(() => new SendGate({ low: 5, high: 5 })).toThrow(/watermarks/)
  })
})

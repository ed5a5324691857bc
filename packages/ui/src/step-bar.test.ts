import { describe, expect, it } from 'vitest'
import { stepParts } from './step-bar.tsx'

const times = { compute: 20, readback: 5, communication: 9, exposedCommunication: 0, apply: 2, total: 30 }

describe('step lanes', () => {
  it('lets hidden communication run beneath the device and apply wait for the rest', () => {
    const { device, network, span } = stepParts(times, 6)
    expect(network).toEqual([{ name: 'communication', from: 19, ms: 9 }])
    expect(device.at(-1)).toEqual({ name: 'apply', from: 28, ms: 2 })
    expect(span).toBe(30)
  })

  it('never hides more than there is to hide or to hide behind', () => {
    expect(stepParts(times, 100).network[0]!.from).toBe(16)
    expect(stepParts({ ...times, compute: 1, readback: 0 }, 9).network[0]!.from).toBe(0)
    expect(stepParts(times, -3).network[0]!.from).toBe(25)
  })
})

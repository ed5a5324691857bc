/** How many connections a link ends up with, on paths that are only formulas. */
import { describe, expect, it } from 'vitest'
import { ConnectionScaler } from './connection-scaler.ts'

const MB = 1_000_000
/** Milliseconds of one credit. */
const STEP_MS = 20

/** Sends for `ms` milliseconds at what the path gives to that many connections. @returns every number that was used */
function send(scaler: ConnectionScaler, ms: number, rateOf: (connections: number) => number, standing = 8): number[] {
  const used = [scaler.wanted]
  for (let at = 0; at < ms; at += STEP_MS) {
    const connections = Math.min(scaler.wanted, standing)
    scaler.took((rateOf(connections) * STEP_MS) / 1_000, STEP_MS, standing)
    if (scaler.wanted !== used.at(-1)) used.push(scaler.wanted)
  }
  return used
}

describe('a connection scaler', () => {
  it('grows while every connection brings its own share', () => {
    const scaler = new ConnectionScaler('auto', 20)
    expect(send(scaler, 4_000, (connections) => 2 * MB * connections)).toEqual([1, 4, 8])
  })

  it('goes back to where more brought nothing, and tries again ever later', () => {
    const scaler = new ConnectionScaler('auto', 20)
    const used = send(scaler, 60_000, (connections) => Math.min(10, 5 * connections) * MB)
    expect(used.slice(0, 4)).toEqual([1, 4, 8, 4])
    expect(used.slice(4)).toContain(2)
    expect(used.length).toBeLessThan(16)
  })

  it('stays at one where the round trip is too short to matter', () => {
    const scaler = new ConnectionScaler('auto', 0.6)
    expect(send(scaler, 30_000, (connections) => 20 * MB * connections)).toEqual([1])
  })

  it('goes back to one for good when a later connection measures a short round trip', () => {
    const scaler = new ConnectionScaler('auto', 20)
    send(scaler, 800, (connections) => 2 * MB * connections)
    expect(scaler.wanted).toBe(4)
    scaler.measuredPath(0.6)
    expect(send(scaler, 30_000, (connections) => 2 * MB * connections)).toEqual([1])
  })

  it('tries where nothing is known of the round trip', () => {
    expect(send(new ConnectionScaler('auto', null), 4_000, (connections) => 2 * MB * connections)).toContain(8)
  })

  it('gives connections up that became useless', () => {
    const scaler = new ConnectionScaler('auto', 20)
    send(scaler, 4_000, (connections) => 2 * MB * connections)
    expect(scaler.wanted).toBe(8)
    send(scaler, 120_000, () => 6 * MB)
    expect(scaler.wanted).toBeLessThanOrEqual(2)
  })

  it('goes on with what it has when no more can be had', () => {
    const scaler = new ConnectionScaler('auto', 20)
    const used = send(scaler, 14_000, (connections) => 2 * MB * connections, 1)
    expect(used.slice(0, 3)).toEqual([1, 4, 1])
  })

  it('counts nothing that is too little to say anything', () => {
    const scaler = new ConnectionScaler('auto', 20)
    expect(send(scaler, 2_000, (connections) => 10_000 * connections)).toEqual([1])
  })

  it('keeps to a fixed number', () => {
    expect(send(new ConnectionScaler(3, 20), 10_000, (connections) => 2 * MB * connections)).toEqual([3])
  })
})

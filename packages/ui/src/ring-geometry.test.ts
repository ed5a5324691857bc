import { describe, expect, it } from 'vitest'
import { layoutRing, linkWidth } from './ring-geometry.ts'

describe('ring layout', () => {
  it.each([1, 2, 3, 4, 8, 16, 64])('keeps %i seats apart, on the circle and inside the box', (count) => {
    const ring = layoutRing(count)
    expect(ring.seats).toHaveLength(count)
    expect(ring.arcs).toHaveLength(count === 1 ? 0 : count)
    for (const { at } of ring.seats) {
      expect(Math.hypot(at.x, at.y)).toBeCloseTo(ring.radius, 1)
      expect(Math.abs(at.x) + ring.seatRadius).toBeLessThan(ring.width / 2)
      expect(Math.abs(at.y) + ring.seatRadius).toBeLessThan(ring.height / 2)
    }
    for (let i = 0; i < count; i++) {
      for (let k = i + 1; k < count; k++) {
        const [a, b] = [ring.seats[i]!.at, ring.seats[k]!.at]
        expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(2 * ring.seatRadius - 0.05 * ring.seatRadius)
      }
    }
  })

  it('travels clockwise from the top', () => {
    const [top, right] = layoutRing(3).seats
    expect(top!.at).toEqual({ x: 0, y: -104 })
    expect(right!.at.x).toBeGreaterThan(0)
    expect(right!.at.y).toBeGreaterThan(0)
  })

  it.each([1, 2, 3, 4, 5, 6, 8, 12])('leaves room for a name beside each of %i seats', (count) => {
    for (const { room } of layoutRing(count).seats) expect(room).toBeGreaterThanOrEqual(8)
  })

  it('draws faster links wider, within bounds', () => {
    expect(linkWidth(null)).toBeLessThan(linkWidth(1e5))
    expect(linkWidth(2e7)).toBeGreaterThan(linkWidth(2e6))
    expect(linkWidth(1e15)).toBe(linkWidth(1e9))
    expect(linkWidth(1)).toBe(linkWidth(1e5))
  })
})

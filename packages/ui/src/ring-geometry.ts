/**
 * Where the ring's seats, arcs and labels lie. Pure numbers in SVG units, y pointing down, clockwise travel.
 * Not for: colours or markup (ring.tsx).
 */
export interface Point {
  x: number
  y: number
}

export interface RingLayout {
  /** Side lengths of the viewBox; the ring's centre is the origin. */
  width: number
  height: number
  /** Radius of the circle on which seats sit, and of one seat. */
  radius: number
  seatRadius: number
  /** `room`: characters of a label that fit beside, above or below the seat. */
  seats: Array<{ at: Point; label: Point; anchor: 'start' | 'middle' | 'end'; room: number }>
  /** Arc k leads from seat k to the next one; empty for a single seat. */
  arcs: Array<{ path: string; label: Point; anchor: 'start' | 'middle' | 'end'; head: Point & { degrees: number } }>
}

/** SVG units. Wide enough for a label left and right of the circle on a 360 px phone. */
const WIDTH = 380
const HEIGHT = 320
const RADIUS = 104
/** Gap between a seat's edge and the arc's ends; the arrowhead needs the larger one. */
const GAP_START = 5
const GAP_END = 11
/** Ranks beyond which labels no longer fit beside their seats. */
export const MAX_LABELLED_SEATS = 12

/** SVG units of one character of a label, and by how much a label may reach past the box (its panel has padding). */
const CHAR_WIDTH = 7
const OVERHANG = 8
const MAX_LABEL_CHARS = 16

/**
 * Places `count` seats clockwise. Rank 0 is at the top, or left of it where a seat would otherwise lie at three
 * or nine o'clock: labels have the least room there.
 */
export function layoutRing(count: number): RingLayout {
  const chord = count > 1 ? 2 * RADIUS * Math.sin(Math.PI / count) : RADIUS
  const seatRadius = Math.max(5, Math.min(21, chord * 0.27))
  const turn = (2 * Math.PI) / Math.max(1, count)
  const start = -Math.PI / 2 - (count % 4 === 0 ? turn / 2 : 0)
  const angles = Array.from({ length: count }, (_, rank) => start + rank * turn)
  return {
    width: WIDTH,
    height: HEIGHT,
    radius: RADIUS,
    seatRadius,
    seats: angles.map((angle) => seat(angle, seatRadius)),
    arcs: count < 2 ? [] : angles.map((angle) => arc(angle, angle + turn, seatRadius)),
  }
}

function seat(angle: number, seatRadius: number): RingLayout['seats'][number] {
  const label = polar(RADIUS + seatRadius + 10, angle)
  const anchor = anchorAt(angle)
  const space = (WIDTH / 2 - Math.abs(label.x) + OVERHANG) * (anchor === 'middle' ? 2 : 1)
  const room = Math.min(MAX_LABEL_CHARS, Math.floor(space / CHAR_WIDTH))
  return { at: polar(RADIUS, angle), label, anchor, room }
}

function arc(from: number, to: number, seatRadius: number): RingLayout['arcs'][number] {
  const a = from + (seatRadius + GAP_START) / RADIUS
  const b = to - (seatRadius + GAP_END) / RADIUS
  const p = polar(RADIUS, a)
  const q = polar(RADIUS, b)
  const large = b - a > Math.PI ? 1 : 0
  const middle = (from + to) / 2
  return {
    path: `M${round(p.x)} ${round(p.y)}A${RADIUS} ${RADIUS} 0 ${large} 1 ${round(q.x)} ${round(q.y)}`,
    label: polar(RADIUS + 16, middle),
    anchor: anchorAt(middle),
    head: { ...q, degrees: round((b * 180) / Math.PI + 90) },
  }
}

function polar(radius: number, angle: number): Point {
  return { x: round(radius * Math.cos(angle)), y: round(radius * Math.sin(angle)) }
}

function anchorAt(angle: number): 'start' | 'middle' | 'end' {
  const x = Math.cos(angle)
  return Math.abs(x) < 0.2 ? 'middle' : x > 0 ? 'start' : 'end'
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

/** Bytes per second at which a link is drawn thinnest, and decades up to the thickest. */
const THIN_THROUGHPUT = 1e5
const DECADES = 4
const THIN = 2
const THICK = 8

/** Stroke width for a throughput in bytes per second, logarithmic; unmeasured links are hair lines. */
export function linkWidth(throughput: number | null): number {
  if (throughput === null || throughput <= 0) return 1.5
  const share = Math.log10(throughput / THIN_THROUGHPUT) / DECADES
  return round(THIN + (THICK - THIN) * Math.min(1, Math.max(0, share)))
}

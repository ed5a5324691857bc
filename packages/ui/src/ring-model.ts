/** What the ring shows, in both its forms (drawing and table). Plain data; apps fill it from their state. */
import type { CandidateType, Carrier } from '@rondo/protocol'
import { formatBytes, formatMs } from './format.ts'
import { carrierName } from './series.ts'

export interface RingSeat {
  rank: number
  /** `missing`: nobody sits there yet. `lost`: gone without a word. */
  state: 'missing' | 'present' | 'working' | 'done' | 'failed' | 'lost'
  /** Node as people know it; for a missing seat, who is expected. */
  node: string
  /** True for the ranks of the page that shows this. */
  mine: boolean
  /** Last sign of life as a person reads it, only for failed and lost seats. */
  lastSign: string | null
}

export interface RingLink {
  from: number
  to: number
  carrier: Carrier
  /** WebRTC only: what the path begins with at the sender's end. */
  candidate?: CandidateType | undefined
  bytesSent: number
  /** Bytes per second while sending; null before anything was measured. */
  throughput: number | null
  roundTripMs: number | null
}

export interface RingModel {
  seats: RingSeat[]
  links: RingLink[]
}

/** The link that leads from `rank` to its successor on the ring. */
export function linkFrom(model: RingModel, index: number): RingLink | undefined {
  const from = model.seats[index]
  const to = model.seats[(index + 1) % model.seats.length]
  return model.links.find((link) => link.from === from?.rank && link.to === to?.rank)
}

/** `WebRTC, host`: the carrier, and the kind of address where the browser tells. */
export function pathName({ carrier, candidate }: Pick<RingLink, 'carrier' | 'candidate'>): string {
  return candidate === undefined ? carrierName(carrier) : `${carrierName(carrier)}, ${candidate}`
}

/** `rank 0 → rank 1 · WebRTC, host · 14 MB/s · round trip 0.7 ms · 61 MB sent` */
export function linkText(link: RingLink): string {
  return [
    `rank ${link.from} → rank ${link.to}`,
    pathName(link),
    link.throughput === null ? 'throughput not measured yet' : `${formatBytes(link.throughput)}/s`,
    link.roundTripMs === null ? null : `round trip ${formatMs(link.roundTripMs)}`,
    `${formatBytes(link.bytesSent)} sent`,
  ]
    .filter((part) => part !== null)
    .join(' · ')
}

/** `rank 2 · Laptop-B · this page` or what keeps it away. */
export function seatText(seat: RingSeat): string {
  return [
    `rank ${seat.rank}`,
    seat.state === 'missing' ? `expected: ${seat.node}` : seat.node,
    seat.mine ? 'this page' : null,
    seatStateText(seat),
  ]
    .filter((part) => part !== null && part !== '')
    .join(' · ')
}

/** The state of a seat in one or two words. */
export function seatStateText(seat: RingSeat): string {
  switch (seat.state) {
    case 'missing':
      return 'missing'
    case 'present':
      return 'here'
    case 'working':
      return 'training'
    case 'done':
      return 'done'
    case 'failed':
      return 'failed'
    case 'lost':
      return seat.lastSign === null ? 'lost' : `lost, last heard ${seat.lastSign}`
    default:
      return seat.state satisfies never
  }
}

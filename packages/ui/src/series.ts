/**
 * The look of a rank and of a carrier, the same in ring, curves, consoles and tables. Not for: layout.
 */
import type { Carrier } from '@rondo/protocol'

const RANK_COLOURS = 8
/** After the eighth rank colours repeat with a dash; three dashes tell 32 ranks apart. */
const RANK_DASHES = ['', '5 3', '2 3', '8 3 2 3'] as const

/** CSS colour of a rank, as a token reference. */
export function rankColour(rank: number): string {
  return `var(--rank-${rank % RANK_COLOURS})`
}

/** Stroke dash of a rank: empty for the first eight. */
export function rankDash(rank: number): string {
  return RANK_DASHES[Math.floor(rank / RANK_COLOURS) % RANK_DASHES.length] ?? ''
}

const staysInPage = (carrier: Carrier): boolean => carrier === 'shared' || carrier === 'local' || carrier === 'memory'

export function carrierColour(carrier: Carrier): string {
  return `var(--carrier-${staysInPage(carrier) ? 'local' : carrier})`
}

/** Dash of a carrier's line. With `carrierCore` carriers stay apart without colour: double, long, solid, short. */
export function carrierDash(carrier: Carrier): string {
  switch (carrier) {
    case 'webrtc':
    case 'shared':
    case 'local':
    case 'memory':
      return ''
    case 'port':
      return '14 4'
    case 'relay':
      return '4 5'
    default:
      return carrier satisfies never
  }
}

/** Share of a line's width that is left hollow: what stays in one page is drawn as a double line. */
export function carrierCore(carrier: Carrier): number {
  return staysInPage(carrier) ? 0.4 : 0
}

/** The carrier in a person's words. */
export function carrierName(carrier: Carrier): string {
  switch (carrier) {
    case 'shared':
      return 'shared memory'
    case 'local':
      return 'same page'
    case 'port':
      return 'same browser'
    case 'webrtc':
      return 'WebRTC'
    case 'relay':
      return 'relay'
    case 'memory':
      return 'memory'
    default:
      return carrier satisfies never
  }
}

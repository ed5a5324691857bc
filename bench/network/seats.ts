/** The two ranks of a measurement, as pages of different browsers would have them: nothing but WebRTC joins them. */
import type { Seat } from '@rondo/protocol'

const seat = (rank: number): Seat => ({
  rank,
  nodeRank: rank,
  localRank: 0,
  memberId: `member-${rank}`,
  pageId: `page-${rank}`,
  browserId: null,
  nodeId: `node-${rank}`,
  nodeLabel: `node ${rank}`,
  state: 'starting',
  lastSeen: null,
})

export const seats: Seat[] = [seat(0), seat(1)]

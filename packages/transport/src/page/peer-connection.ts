/// <reference path="./simple-peer.d.ts" />
/**
 * One WebRTC connection and its payload lane; the only file that knows simple-peer. The build
 * aliases it to its prebuilt file, because the plain one needs Node's globals. Not for: deciding when to connect.
 */
import { type CandidateType, DEFAULT_MESSAGE_BYTES } from '@rondo/protocol'
import { LANE_INIT, LANE_LABEL } from '../carriers/rtc-link.ts'
import type { ConnectionFacts } from '../page-messages.ts'
import type { AttemptContext } from './attempt.ts'
import { strayPath, withinAddresses } from './ice-addresses.ts'

export interface PeerEvents {
  /** Called within `connect`, while the lane may still be transferred (it must happen in the same task). */
  onLane(channel: RTCDataChannel): void
  /** Handshake data for the other page, opaque. */
  onSignal(data: unknown): void
  onConnected(facts: ConnectionFacts): void
  onState(state: RTCPeerConnectionState): void
  onFailed(reason: string): void
}

export type PeerWish = Pick<AttemptContext, 'initiator' | 'iceServers' | 'iceAddresses'>

export interface PeerConnection {
  signal(data: unknown): void
  close(): void
}

/**
 * Starts a connection. simple-peer is loaded on first use, so that runs without WebRTC do not pay for it.
 * A failure before or after connecting is told once, by `onFailed`.
 */
export async function connectPeer(
  { initiator, iceServers, iceAddresses }: PeerWish,
  events: PeerEvents,
): Promise<PeerConnection> {
  const { default: Peer } = await import('simple-peer')
  const peer = new Peer({ initiator, trickle: true, config: { iceServers } })
  const pc = peer._pc
  let over = false
  const fail = (reason: string) => {
    if (over) return
    over = true
    events.onFailed(reason)
  }
  peer.on('signal', (data) => {
    const said = iceAddresses === null ? data : withinAddresses(data, iceAddresses)
    if (said !== null) events.onSignal(said)
  })
  peer.on('error', (error) => fail(error.message))
  peer.on('close', () => fail('the other page closed the connection'))
  peer.on('connect', () => {
    void pathInUse(pc).then(({ local, ...path }) => {
      if (over) return
      const stray = iceAddresses === null ? null : strayPath(local, iceAddresses)
      if (stray !== null) {
        fail(stray)
        peer.destroy()
        return
      }
      // Some browsers tell no limit; the size that was measured best is safe with all of them.
      events.onConnected({ maxFrameBytes: pc.sctp?.maxMessageSize ?? DEFAULT_MESSAGE_BYTES, ...path })
    })
  })
  pc.addEventListener('connectionstatechange', () => {
    if (!over) events.onState(pc.connectionState)
  })
  events.onLane(pc.createDataChannel(LANE_LABEL, LANE_INIT))
  return {
    signal: (data) => {
      if (!over) peer.signal(data)
    },
    close: () => {
      over = true
      peer.destroy()
    },
  }
}

/** Of the candidate pair in use; null for what the browser's statistics do not say. */
async function pathInUse(
  pc: RTCPeerConnection,
): Promise<Omit<ConnectionFacts, 'maxFrameBytes'> & { local: Record<string, unknown> | null }> {
  const stats = new Map<string, Record<string, unknown>>()
  for (const [id, value] of (await pc.getStats()) as unknown as Map<string, Record<string, unknown>>)
    stats.set(id, value)
  for (const report of stats.values()) {
    if (report['type'] !== 'transport') continue
    const pair = stats.get(String(report['selectedCandidatePairId']))
    const local = stats.get(String(pair?.['localCandidateId']))
    const seconds = pair?.['currentRoundTripTime']
    if (local) {
      return {
        local,
        candidateType: local['candidateType'] as CandidateType,
        roundTripMs: typeof seconds === 'number' ? 1_000 * seconds : null,
      }
    }
  }
  return { local: null, candidateType: null, roundTripMs: null }
}

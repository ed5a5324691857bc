/** Candidates as Chromium gives them: addresses out, the proxy's in, and nothing else of them. */
import { describe, expect, it } from 'vitest'
import { endpointOf, withEndpoint, withoutCandidates } from './candidates.ts'

const CANDIDATE =
  'candidate:3938056010 1 udp 2113937151 192.0.2.2 49400 typ host generation 0 ufrag 9FHX network-cost 999'
const message = { type: 'candidate', candidate: { candidate: CANDIDATE, sdpMLineIndex: 0, sdpMid: '0' } }

describe('candidates on their way', () => {
  it('are read and rewritten', () => {
    expect(endpointOf(message)).toEqual({ address: '192.0.2.2', port: 49_400 })
    expect(withEndpoint(message, { address: '127.0.0.1', port: 7 })).toEqual({
      type: 'candidate',
      candidate: {
        candidate: 'candidate:3938056010 1 udp 2113937151 127.0.0.1 7 typ host',
        sdpMLineIndex: 0,
        sdpMid: '0',
      },
    })
  })

  it.each([
    CANDIDATE.replace('192.0.2.2', 'fd00::2'),
    CANDIDATE.replace('192.0.2.2', '0b5c7e.local'),
    CANDIDATE.replace('udp', 'tcp'),
    CANDIDATE.replace('typ host', 'typ srflx raddr 10.0.0.1 rport 9'),
    '',
  ])('are left out when they are %j', (candidate) => {
    expect(endpointOf({ candidate: { candidate } })).toBeNull()
  })

  it('do not come with descriptions', () => {
    const sdp = `v=0\r\na=${CANDIDATE}\r\na=ice-ufrag:9FHX\r\n`
    expect(withoutCandidates({ type: 'offer', sdp })).toEqual({ type: 'offer', sdp: 'v=0\r\na=ice-ufrag:9FHX\r\n' })
  })
})

/** What is offered and what is given up when WebRTC is kept to one interface. */
import { expect, it } from 'vitest'
import { strayPath, withinAddresses } from './ice-addresses.ts'

const candidate = (address: string, more = 'typ host generation 0') => ({
  type: 'candidate',
  candidate: { candidate: `candidate:1 1 udp 2122063615 ${address} 40165 ${more}`, sdpMLineIndex: 0 },
})
const OWN = ['192.0.2.2', 'fd00::2']

it('offers candidates of these addresses and of what was derived from them', () => {
  for (const kept of [
    candidate('192.0.2.2'),
    candidate('fd00::2'),
    candidate('203.0.113.9', 'typ srflx raddr 192.0.2.2 rport 1'),
  ]) {
    expect(withinAddresses(kept, OWN)).toBe(kept)
  }
  for (const dropped of [
    candidate('127.0.0.1'),
    candidate('ab15b280.local'),
    candidate('203.0.113.9', 'typ srflx raddr 10.0.0.1 rport 1'),
  ]) {
    expect(withinAddresses(dropped, OWN)).toBeNull()
  }
})

it('takes candidates out of descriptions, and lets everything else through', () => {
  const line = (address: string) => `a=${candidate(address).candidate.candidate}`
  const sdp = ['v=0', line('10.0.0.1'), line('192.0.2.2'), 'a=mid:0', ''].join('\r\n')
  expect(withinAddresses({ type: 'offer', sdp }, OWN)).toEqual({
    type: 'offer',
    sdp: ['v=0', line('192.0.2.2'), 'a=mid:0', ''].join('\r\n'),
  })
  const end = { type: 'candidate', candidate: { candidate: '' } }
  expect(withinAddresses(end, OWN)).toBe(end)
  expect(withinAddresses({ renegotiate: true }, OWN)).toEqual({ renegotiate: true })
})

it('gives up a path that began elsewhere, naming both addresses', () => {
  expect(strayPath({ address: '192.0.2.2', candidateType: 'host' }, OWN)).toBeNull()
  expect(strayPath({ address: '203.0.113.9', relatedAddress: '192.0.2.2', candidateType: 'srflx' }, OWN)).toBeNull()
  expect(strayPath({ address: '10.0.0.1', candidateType: 'host' }, OWN)).toBe(
    'the browser connected over 10.0.0.1, and --interface allows 192.0.2.2, fd00::2',
  )
  expect(strayPath(null, OWN)).toContain('does not say')
})

/**
 * ICE candidates on their way through signaling: takes the addresses out and puts the proxy's in, so that two
 * browsers find each other only through it. Not for: candidates of other kinds than host over UDP.
 */

/** Handshake data as simple-peer sends it: a description, or one candidate. */
type Handshake = { type?: unknown; sdp?: unknown; candidate?: { candidate?: unknown } }

export interface Endpoint {
  address: string
  port: number
}

/** `candidate:FOUNDATION COMPONENT udp PRIORITY ADDRESS PORT typ host …` (RFC 8839, section 5.1) */
const HOST_CANDIDATE = /^(candidate:\S+ \d+ udp \d+) (\S+) (\d+) (typ host)\b.*$/i
const SDP_CANDIDATE_LINE = /^a=candidate:.*\r?\n/gm

/** The endpoint that a handshake message offers; null when it is no host candidate over UDP and IPv4. */
export function endpointOf(data: Handshake): Endpoint | null {
  const match = HOST_CANDIDATE.exec(String(data.candidate?.candidate ?? ''))
  if (!match || !/^\d+\.\d+\.\d+\.\d+$/.test(match[2] as string)) return null
  return { address: match[2] as string, port: Number(match[3]) }
}

/** The same message with another endpoint, and without what else the candidate tells of the first. */
export function withEndpoint<T extends Handshake>(data: T, { address, port }: Endpoint): T {
  const candidate = String(data.candidate?.candidate).replace(HOST_CANDIDATE, `$1 ${address} ${port} $4`)
  return { ...data, candidate: { ...data.candidate, candidate } }
}

/** Descriptions carry candidates too; those that matter come on their own. */
export function withoutCandidates<T extends Handshake>(data: T): T {
  return typeof data.sdp === 'string' ? { ...data, sdp: data.sdp.replace(SDP_CANDIDATE_LINE, '') } : data
}

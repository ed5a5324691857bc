/**
 * `--interface`: keeps WebRTC to some of this machine's addresses. A page cannot tell its browser where to send from, so
 * only these addresses are offered to the peer, and a path that came up over another one is given up. Needs a browser
 * that shows its addresses (no mDNS names). Pure.
 */

/** Handshake data as simple-peer makes it, without what begins at other addresses; null when nothing is left to say. */
export function withinAddresses(data: unknown, addresses: readonly string[]): unknown {
  const { candidate, sdp } = Object(data) as { candidate?: { candidate?: unknown }; sdp?: unknown }
  const line = candidate?.candidate
  if (typeof line === 'string') return line === '' || begins(line, addresses) ? data : null
  if (typeof sdp !== 'string') return data
  const lines = sdp.split('\r\n').filter((each) => !each.startsWith('a=candidate:') || begins(each, addresses))
  return { ...(data as object), sdp: lines.join('\r\n') }
}

/** Why a path must not be used, from the statistics of its local candidate; null when it may. */
export function strayPath(
  local: { address?: unknown; relatedAddress?: unknown; candidateType?: unknown } | null,
  addresses: readonly string[],
): string | null {
  const allowed = `--interface allows ${addresses.join(', ')}`
  if (local === null) return `the browser does not say over which address it connected, and ${allowed}`
  const own = local.candidateType === 'host' || !local.relatedAddress ? local.address : local.relatedAddress
  return addresses.includes(String(own))
    ? null
    : `the browser connected over ${own ?? 'a hidden address'}, and ${allowed}`
}

/** `candidate:… 1 udp 2122 192.0.2.2 40165 typ host …`: the address, or what it was derived from (`raddr`). */
function begins(line: string, addresses: readonly string[]): boolean {
  const words = line.split(' ')
  const related = words.indexOf('raddr')
  const own = related < 0 ? words[4] : words[related + 1]
  return own !== undefined && addresses.includes(own)
}

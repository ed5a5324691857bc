/**
 * Signaling between two pages of one run that leads every peer connection of theirs through a proxy. Not for:
 * the handshake itself, which passes as it is but for the addresses in it.
 */
import type { Signal } from '@rondo/protocol'
import { endpointOf, withEndpoint, withoutCandidates } from './candidates.ts'
import type { UdpProxy } from './udp-proxy.ts'

type PairSignal = { step?: unknown; lane?: unknown; data?: Record<string, unknown> }

export class Detour {
  readonly #proxy: UdpProxy
  /** By the number of the peer connection within the link. */
  readonly #pairs = new Map<unknown, ReturnType<UdpProxy['pair']>>()
  /** Sides that have shown their first usable candidate; the rest is dropped. */
  readonly #shown = new Set<string>()

  constructor(proxy: UdpProxy) {
    this.#proxy = proxy
  }

  /** What the other page gets in place of `signal`; null when it gets nothing. */
  async through(signal: Signal): Promise<Signal | null> {
    const message = signal.data as PairSignal
    if (message.step !== 'handshake' || !message.data) return signal
    if (message.data['candidate'] === undefined) {
      return { ...signal, data: { ...message, data: withoutCandidates(message.data) } }
    }
    const endpoint = endpointOf(message.data)
    const side = signal.from < signal.to ? 0 : 1
    const key = `${String(message.lane)}/${side}`
    if (!endpoint || this.#shown.has(key)) return null
    this.#shown.add(key)
    const opening = this.#pairs.get(message.lane) ?? this.#proxy.pair(endpoint.address)
    this.#pairs.set(message.lane, opening)
    const { pair, ports } = await opening
    await this.#proxy.side(pair, side, endpoint.address, endpoint.port)
    const detour = { address: endpoint.address, port: ports[side] }
    return { ...signal, data: { ...message, data: withEndpoint(message.data, detour) } }
  }
}

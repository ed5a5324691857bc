/** What the bench and its proxy process say to each other. */

/** Of all sockets of a proxy, since it started. */
export interface ProxyTraffic {
  packets: number
  bytes: number
  /** By the loss that was asked for. */
  dropped: number
  /** Because too many were on their way: the proxy itself was the limit. */
  overrun: number
}

export type ProxyRequest =
  /** Opens the two sockets of a connection on an address of this machine; answered with their ports. */
  | { kind: 'pair'; pair: number; address: string }
  /** Where the packets for this side of the pair go. */
  | { kind: 'side'; pair: number; side: 0 | 1; address: string; port: number }
  | { kind: 'traffic' }

export interface ProxyReply {
  id: number
  value: number[] | ProxyTraffic | null
}

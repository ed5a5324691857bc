/**
 * The part of simple-peer that we use. Its published types pull Node's globals into browser code.
 */
declare module 'simple-peer' {
  export interface PeerOptions {
    initiator: boolean
    config: RTCConfiguration
    trickle: boolean
  }

  export default class Peer {
    constructor(options: PeerOptions)
    /** Private upstream, and the only way to own lanes of the connection. */
    readonly _pc: RTCPeerConnection
    signal(data: unknown): void
    destroy(): void
    on(event: 'signal', listener: (data: unknown) => void): this
    on(event: 'connect' | 'close', listener: () => void): this
    on(event: 'error', listener: (error: Error & { code?: string }) => void): this
  }
}

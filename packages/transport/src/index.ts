/** Links between ranks, whatever carries them. Imports `@rondo/protocol` only. */
export { type MemoryMesh, type MemoryMeshOptions, memoryMesh } from './carriers/memory-link.ts'
export type { Link, LinkEnd, LinkStats } from './link.ts'
export { type ConnectOptions, LinkBroker, type LinkBrokerOptions, type LinkRun } from './page/link-broker.ts'
export type { LinkSignaling } from './page/link-signaling.ts'
export { browserIdentity, DEFAULT_PORT_BROKER_URL } from './page/port-rendezvous.ts'
export {
  type ConnectionState,
  SignalingClient,
  type SignalingClientOptions,
} from './signaling/client.ts'
export { type AcceptOptions, acceptLinks } from './worker/accept-links.ts'

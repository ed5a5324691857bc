/** The signaling server: sessions, ranks, run control, WebRTC signaling, relay. Imports `@rondo/protocol` only. */
export { newSessionTokens, type SessionTokens } from './core/record.ts'
export type { SessionStore } from './core/store.ts'
export type { Health } from './http-endpoints.ts'
export type { Limits } from './limits.ts'
export { createSignalingServer, type SignalingServer, type SignalingServerOptions } from './server.ts'

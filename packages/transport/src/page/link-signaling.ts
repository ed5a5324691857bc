/** What link making needs of the signaling client: two kinds of message, out and in. */
import type { Relay, Signal } from '@rondo/protocol'

export interface LinkSignaling {
  request(event: 'signal', payload: Signal): Promise<unknown>
  request(event: 'relay', payload: Relay): Promise<unknown>
  on(event: 'signal', listener: (signal: Signal) => void): () => void
  on(event: 'relay', listener: (relay: Relay) => void): () => void
}

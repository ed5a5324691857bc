/** A connected signaling client in one call. */
import { SignalingClient, type SignalingClientOptions } from '@rondo/transport'

/** Rejects with the server's refusal, CONNECTION_LOST or ABORTED; the client is closed then. */
export async function dial(options: SignalingClientOptions, signal: AbortSignal): Promise<SignalingClient> {
  const client = new SignalingClient(options)
  await client.connect({ signal })
  return client
}

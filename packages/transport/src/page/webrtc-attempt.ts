/**
 * The attempt over WebRTC: makes the connection on the page and puts its lane into the worker's hands
 * before any handshake data leaves, so that no byte can arrive while nobody listens. Not for: the details
 * of simple-peer (peer-connection.ts).
 */
import type { Attempt, AttemptContext } from './attempt.ts'
import { pumpChannel } from './channel-pump.ts'
import { connectPeer, type PeerConnection } from './peer-connection.ts'

export function attemptWebrtc(context: AttemptContext): Attempt {
  /** What waits for the connection to exist, and what waits for the worker to hold the lane. */
  const incoming: unknown[] = []
  const outgoing: unknown[] = []
  let connection: PeerConnection | null = null
  let taken = false
  let closed = false
  let deadline: ReturnType<typeof setTimeout> | undefined

  const fail = (reason: string) => {
    if (!closed) context.fail(reason)
  }

  const { initiator, iceServers, iceAddresses } = context
  connectPeer(
    { initiator, iceServers, iceAddresses },
    {
      onLane: (channel) => {
        if (!closed) offerLane(context, channel)
      },
      onSignal: (data) => {
        if (taken) context.handshake(data)
        else outgoing.push(data)
      },
      onConnected: (facts) => {
        clearTimeout(deadline)
        if (!closed) context.connected(facts)
      },
      onState: (state) => {
        if (!closed) context.state(state)
      },
      onFailed: fail,
    },
  )
    .then((made) => {
      connection = made
      if (closed) made.close()
      else for (const data of incoming.splice(0)) made.signal(data)
    })
    .catch((error: unknown) => fail(error instanceof Error ? error.message : String(error)))

  return {
    signal: (data) => {
      // The other side is awake, so from here on it is ICE and DTLS alone.
      deadline ??= setTimeout(
        () => fail(`no connection ${context.iceTimeoutMs / 1000} s after the other page answered`),
        context.iceTimeoutMs,
      )
      if (connection) connection.signal(data)
      else incoming.push(data)
    },
    taken: () => {
      taken = true
      for (const data of outgoing.splice(0)) context.handshake(data)
    },
    close: () => {
      closed = true
      clearTimeout(deadline)
      connection?.close()
    },
  }
}

/** Into the worker, or where the browser cannot transfer a channel, onto a pump of this page. */
function offerLane(context: AttemptContext, channel: RTCDataChannel): void {
  try {
    context.offer({ channel })
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== 'DataCloneError') throw error
    const { port1, port2 } = new MessageChannel()
    pumpChannel(channel, port1)
    context.offer({ port: port2 })
  }
}

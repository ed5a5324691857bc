/**
 * The yardstick of the benches: how fast a bare data channel or MessagePort moves bytes one way between two
 * workers, with nothing of ours around it. `openRawChannel` runs on pages, the two measures in workers.
 * Not for: links (transport) or rings (collectives).
 */

import { median } from './figures.ts'

export type RawPipe = RTCDataChannel | MessagePort

export interface RawMeasure {
  bytes: number
  /** Milliseconds from the first send to the receiver's word that all is there. */
  ms: number
  bytesPerSecond: number
}

/** Bytes of one message: measured best on data channels (docs/transport.md). */
const MESSAGE_BYTES = 65_536
/** Bytes in a data channel's send buffer between which the sender waits and goes on. */
const HIGH_BYTES = 1_048_576
const LOW_BYTES = 262_144
/**
 * A channel drops what arrives while nobody listens, so both ends must be there first: the sender knocks,
 * the receiver answers and also says so when it starts; whoever comes second is heard.
 */
const KNOCK = 'rondo-raw-knock'
const READY = 'rondo-raw-ready'
/** What the receiver says when everything arrived. */
const DONE = 'rondo-raw-done'
/** Not the links' lane (100), so that both may share a test. */
const RAW_CHANNEL_ID = 101

/** Sends `bytes` one way and waits for the receiver's word. The other end runs `measureRawReceive`. */
export async function measureRawSend(
  pipe: RawPipe,
  bytes: number,
  { messageBytes = MESSAGE_BYTES, signal }: { messageBytes?: number; signal: AbortSignal },
): Promise<RawMeasure> {
  const isPort = pipe instanceof MessagePort
  const ready = messages(pipe, signal, (data) => data === READY)
  say(pipe, KNOCK)
  await ready
  const done = messages(pipe, signal, (data) => data === DONE)
  const message = new Uint8Array(messageBytes)
  if (!isPort) pipe.bufferedAmountLowThreshold = LOW_BYTES
  const started = performance.now()
  for (let left = bytes; left > 0; left -= messageBytes) {
    const part = left < messageBytes ? message.subarray(0, left) : message
    if (isPort) {
      const { buffer } = part.slice()
      pipe.postMessage(buffer, [buffer])
      continue
    }
    pipe.send(part)
    if (pipe.bufferedAmount > HIGH_BYTES) await bufferedAmountLow(pipe, signal)
  }
  await done
  const ms = performance.now() - started
  return { bytes, ms, bytesPerSecond: (bytes / ms) * 1_000 }
}

/** Takes `bytes` and says so. Resolves when they are here. */
export async function measureRawReceive(
  pipe: RawPipe,
  bytes: number,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  let received = 0
  const arrived = messages(pipe, signal, (data) => {
    if (data === KNOCK) say(pipe, READY)
    else if (data instanceof ArrayBuffer) received += data.byteLength
    return received >= bytes
  })
  say(pipe, READY)
  await arrived
  say(pipe, DONE)
}

/** Milliseconds of a message's way there and back, the median of `count`. The other end runs `answerEchoes`. */
export async function measureEcho(pipe: RawPipe, bytes: number, count: number, signal: AbortSignal): Promise<number> {
  const ready = messages(pipe, signal, (data) => data === READY)
  say(pipe, KNOCK)
  await ready
  const times: number[] = []
  const message = new Uint8Array(bytes)
  for (let i = 0; i < count; i++) {
    const back = messages(pipe, signal, (data) => data instanceof ArrayBuffer)
    const started = performance.now()
    give(pipe, message.slice())
    await back
    times.push(performance.now() - started)
  }
  return median(times)
}

export async function answerEchoes(pipe: RawPipe, count: number, signal: AbortSignal): Promise<void> {
  let left = count
  const answered = messages(pipe, signal, (data) => {
    if (data === KNOCK) say(pipe, READY)
    if (!(data instanceof ArrayBuffer)) return false
    give(pipe, new Uint8Array(data))
    left -= 1
    return left === 0
  })
  say(pipe, READY)
  await answered
}

/**
 * Milliseconds of one exchange: both ends send a message at once and wait for the other's, `count` times in a row. Both
 * run this; it is all that an all-reduce of two ranks has to do.
 */
export async function measureExchange(
  pipe: RawPipe,
  bytes: number,
  count: number,
  leads: boolean,
  signal: AbortSignal,
): Promise<number> {
  const message = new Uint8Array(bytes)
  const meet = messages(pipe, signal, (data) => {
    if (data !== (leads ? READY : KNOCK)) return false
    // Whichever of the first two words was lost, this one is heard.
    say(pipe, leads ? KNOCK : READY)
    return true
  })
  say(pipe, leads ? KNOCK : READY)
  await meet
  // The first also brings both to the same moment.
  let started = 0
  for (let i = 0; i <= count; i++) {
    if (i === 1) started = performance.now()
    const theirs = messages(pipe, signal, (data) => data instanceof ArrayBuffer)
    give(pipe, message.slice())
    await theirs
  }
  return (performance.now() - started) / count
}

export interface RawChannelOptions {
  initiator: boolean
  /** SDP and candidates for the other page. */
  send(signal: RawSignal): void
  iceServers?: RTCIceServer[]
}

export type RawSignal = { description: RTCSessionDescriptionInit } | { candidate: RTCIceCandidateInit }

/**
 * A bare connection with one ordered, reliable channel, made on a page. Transfer the channel to a worker in
 * the same task; it opens there once `signal` was fed with what the other page sent.
 */
export function openRawChannel({ initiator, send, iceServers = [] }: RawChannelOptions) {
  const connection = new RTCPeerConnection({ iceServers })
  const channel = connection.createDataChannel('raw', { negotiated: true, id: RAW_CHANNEL_ID, ordered: true })
  const early: RTCIceCandidateInit[] = []
  connection.onicecandidate = ({ candidate }) => {
    if (candidate) send({ candidate: candidate.toJSON() })
  }
  const describe = async () => {
    await connection.setLocalDescription()
    if (connection.localDescription) send({ description: connection.localDescription.toJSON() })
  }
  const signal = async (message: RawSignal): Promise<void> => {
    if ('candidate' in message) {
      if (connection.remoteDescription) await connection.addIceCandidate(message.candidate)
      else early.push(message.candidate)
      return
    }
    await connection.setRemoteDescription(message.description)
    for (const candidate of early.splice(0)) await connection.addIceCandidate(candidate)
    if (!initiator) await describe()
  }
  return {
    channel,
    connect: () => (initiator ? describe() : Promise.resolve()),
    signal,
    close: () => connection.close(),
  }
}

/** Resolves when the worker's end of the channel is open. */
export function rawChannelOpen(channel: RTCDataChannel, signal: AbortSignal): Promise<void> {
  channel.binaryType = 'arraybuffer'
  if (channel.readyState === 'open') return Promise.resolve()
  return once(channel, 'open', signal)
}

function bufferedAmountLow(channel: RTCDataChannel, signal: AbortSignal): Promise<void> {
  return once(channel, 'bufferedamountlow', signal)
}

function give(pipe: RawPipe, message: Uint8Array<ArrayBuffer>): void {
  if (pipe instanceof MessagePort) pipe.postMessage(message.buffer, [message.buffer])
  else pipe.send(message)
}

function say(pipe: RawPipe, word: string): void {
  if (pipe instanceof MessagePort) pipe.postMessage(word)
  else pipe.send(word)
}

function once(target: EventTarget, event: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    target.addEventListener(event, () => resolve(), { once: true, signal })
  })
}

function messages(pipe: RawPipe, signal: AbortSignal, take: (data: unknown) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    pipe.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (!take(data)) return
      pipe.onmessage = null
      resolve()
    }
  })
}

/**
 * Moves messages between a data channel of this page and a port to the rank worker, for browsers that
 * cannot transfer channels. The worker's end is a port link: it gets its credits back only as the channel
 * drains, so back-pressure crosses the page. Not for: browsers that can transfer (Chromium, Safari).
 */

/** Bytes in the channel's send buffer: as the worker's own gate, see carriers/rtc-link. */
const HIGH_BYTES = 1_048_576
const LOW_BYTES = 262_144

export function pumpChannel(channel: RTCDataChannel, port: MessagePort): void {
  /** Bytes that the channel took and the worker was not credited for yet. */
  let owed = 0
  /** Control messages that came before the channel was open. */
  const early: string[] = []
  const credit = () => {
    if (owed === 0) return
    port.postMessage(owed)
    owed = 0
  }
  const end = (reason: string) => {
    port.postMessage({ kind: 'bye', clean: false, reason })
    port.close()
  }

  channel.binaryType = 'arraybuffer'
  channel.bufferedAmountLowThreshold = LOW_BYTES
  channel.onbufferedamountlow = credit
  channel.onopen = () => {
    for (const text of early.splice(0)) channel.send(text)
  }
  channel.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
    if (typeof data !== 'string') port.postMessage(data, [data])
    else port.postMessage(parsed(data))
  }
  channel.onclose = () => end('the data channel closed')

  port.onmessage = ({ data }: MessageEvent<ArrayBuffer | number | object>) => {
    // Numbers are credits for what we passed on; a data channel has nobody to give them to.
    if (typeof data === 'number') return
    if (data instanceof ArrayBuffer) {
      if (channel.readyState !== 'open') return
      owed += data.byteLength
      channel.send(data)
      if (channel.bufferedAmount <= HIGH_BYTES) credit()
      return
    }
    const text = JSON.stringify(data)
    if (channel.readyState === 'open') channel.send(text)
    else early.push(text)
    if ('kind' in data && data.kind === 'bye') channel.close()
  }
}

/** The worker checks what it means; null is refused there. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/**
 * Moves messages between a data channel of this page and a port to the rank worker, for browsers that
 * cannot transfer channels. The worker has a port link, the far end cannot tell: both speak the same
 * credits, so back-pressure crosses the page and bounds what waits here. Not for: browsers that can
 * transfer (Chromium, Safari).
 */

export function pumpChannel(channel: RTCDataChannel, port: MessagePort): void {
  /** Text that came before the channel was open; no frames come before the hello. */
  const early: string[] = []
  channel.binaryType = 'arraybuffer'
  channel.onopen = () => {
    for (const text of early.splice(0)) channel.send(text)
  }
  channel.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
    if (typeof data !== 'string') port.postMessage(data, [data])
    else port.postMessage(parsed(data))
  }
  channel.onclose = () => {
    port.postMessage({ kind: 'bye', clean: false, reason: 'the data channel closed' })
    port.close()
  }
  port.onmessage = ({ data }: MessageEvent<ArrayBuffer | number | object>) => {
    if (data instanceof ArrayBuffer) {
      if (channel.readyState === 'open') channel.send(data)
      return
    }
    const text = JSON.stringify(data)
    if (channel.readyState === 'open') channel.send(text)
    else early.push(text)
    if (typeof data === 'object' && 'kind' in data && data.kind === 'bye') channel.close()
  }
}

/** A credit or a control message; the worker checks what it means, and refuses null. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

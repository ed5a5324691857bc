/**
 * One way for messages of a WebRTC link: a data channel in this thread, or a port to a pump on the page that has the
 * channel. Binary messages are frames, numbers are credits in bytes, objects are words. Not for: order across lanes,
 * windows or meaning (rtc-link.ts).
 */

export interface LaneListener {
  onFrame(frame: ArrayBuffer): void
  /** From outside and not checked yet; null for what could not be read. */
  onWord(word: unknown): void
  /** Nothing comes any more and nothing can be sent. */
  onGone(reason: string): void
}

export interface Lane {
  /** Resolves when the lane takes messages; never when it goes before. */
  readonly opened: Promise<void>
  /** To be called in the task in which the lane was received: messages without a listener are lost. */
  listen(listener: LaneListener): void
  /** False when the lane is not open. Frames are copied, or moved where `transfer` is set and that is possible. */
  send(frame: Uint8Array<ArrayBuffer>, transfer: boolean): boolean
  /** A credit or a word; nothing happens when the lane is not open. */
  say(word: number | object): void
  /** Sends what it still holds first. */
  close(): void
}

export function channelLane(channel: RTCDataChannel): Lane {
  const isOpen = () => channel.readyState === 'open'
  channel.binaryType = 'arraybuffer'
  return {
    opened:
      channel.readyState === 'connecting'
        ? new Promise((resolve) => {
            channel.onopen = () => resolve()
          })
        : Promise.resolve(),
    listen({ onFrame, onWord, onGone }) {
      let error = ''
      channel.onmessage = ({ data }: MessageEvent<unknown>) => {
        if (data instanceof ArrayBuffer) onFrame(data)
        else onWord(typeof data === 'string' ? parsed(data) : null)
      }
      channel.onerror = (event) => {
        error = `: ${event.error.message}`
      }
      channel.onclose = () => onGone(`the data channel closed${error}`)
    },
    send(frame) {
      if (!isOpen()) return false
      channel.send(frame)
      return true
    },
    say(word) {
      if (isOpen()) channel.send(JSON.stringify(word))
    },
    close: () => channel.close(),
  }
}

/** The far end may also be another link's port: tests join two links so. */
export function portLane(port: MessagePort): Lane {
  return {
    // A port takes messages at once; the pump behind it keeps words until its channel is open.
    opened: Promise.resolve(),
    listen({ onFrame, onWord, onGone }) {
      port.onmessage = ({ data }: MessageEvent<unknown>) => {
        if (data instanceof ArrayBuffer) onFrame(data)
        else onWord(data)
      }
      port.onmessageerror = () => onGone('a message could not be read')
    },
    send(frame, transfer) {
      const buffer = transfer ? frame.buffer : frame.slice().buffer
      port.postMessage(buffer, [buffer])
      return true
    },
    say: (word) => port.postMessage(word),
    close: () => port.close(),
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

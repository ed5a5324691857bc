/**
 * Guards one transport below the level of messages, also before it says which session it wants: floods of
 * packets, and readers so slow that what waits for them would fill the memory.
 */
import type { Limits } from './limits.ts'

/** Milliseconds over which packets are counted. */
const WINDOW_MS = 1_000

/** The part of an engine.io connection that is needed here; its own type is not exported. */
export interface Transport {
  writeBuffer: unknown[]
  on(event: 'packet' | 'packetCreate', listener: () => void): unknown
  close(discard?: boolean): unknown
}

/**
 * Counts by itself, without a limiter's timers and promises: every heartbeat of every page passes here, and it has no
 * one to give an answer to.
 */
export function guardTransport(transport: Transport, limits: Pick<Limits, 'packetsPerSecond' | 'queuedPackets'>): void {
  let windowEnds = 0
  let packets = 0
  transport.on('packet', () => {
    const now = performance.now()
    if (now >= windowEnds) {
      windowEnds = now + WINDOW_MS
      packets = 0
    }
    packets += 1
    if (packets > limits.packetsPerSecond) transport.close(true)
  })
  transport.on('packetCreate', () => {
    if (transport.writeBuffer.length > limits.queuedPackets) transport.close(true)
  })
}

/**
 * Guards one transport below the level of messages, also before it says which session it wants: floods of
 * packets, and readers so slow that what waits for them would fill the memory.
 */
import type { Budgets } from './limits.ts'

/** The part of an engine.io connection that is needed here; its own type is not exported. */
export interface Transport {
  id: string
  writeBuffer: unknown[]
  on(event: 'packet' | 'packetCreate', listener: () => void): unknown
  once(event: 'close', listener: () => void): unknown
  close(discard?: boolean): unknown
}

export function guardTransport(transport: Transport, budgets: Budgets): void {
  const key = `transport:${transport.id}`
  const { limits } = budgets
  transport.on('packet', () => {
    void budgets.take('packet', key).then((fine) => {
      if (!fine) transport.close(true)
    })
  })
  transport.on('packetCreate', () => {
    if (transport.writeBuffer.length > limits.queuedPackets) transport.close(true)
  })
  transport.once('close', () => void budgets.forget(key))
}

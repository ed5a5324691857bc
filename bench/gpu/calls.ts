/** Counts what JavaScript asks of WebGPU while something runs. Not for: what the device makes of it. */
import type { CallCounts } from './messages.ts'

/** Where each call lives; patched while counting. */
const places = () =>
  ({
    submits: [GPUQueue.prototype, 'submit'],
    dispatches: [GPUComputePassEncoder.prototype, 'dispatchWorkgroups'],
    readbacks: [GPUBuffer.prototype, 'mapAsync'],
    copies: [GPUCommandEncoder.prototype, 'copyBufferToBuffer'],
    writes: [GPUQueue.prototype, 'writeBuffer'],
    newBuffers: [GPUDevice.prototype, 'createBuffer'],
  }) as const

type Patched = Record<string, (...args: unknown[]) => unknown>

export async function countCalls(work: () => Promise<unknown>): Promise<CallCounts> {
  const counts: CallCounts = { submits: 0, dispatches: 0, readbacks: 0, copies: 0, writes: 0, newBuffers: 0 }
  const undo = Object.entries(places()).map(([kind, [prototype, name]]) => {
    const target = prototype as unknown as Patched
    const original = target[name] as Patched[string]
    target[name] = function (this: unknown, ...args: unknown[]) {
      counts[kind as keyof CallCounts] += 1
      return original.apply(this, args)
    }
    return () => {
      target[name] = original
    }
  })
  try {
    await work()
  } finally {
    for (const one of undo) one()
  }
  return counts
}

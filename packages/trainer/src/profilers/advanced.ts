/**
 * The simple table, and below it every kernel of the training steps: calls, time, bytes that it made. Measured by
 * `tf.profile`, which waits for each kernel: steps are slower while it looks. Not for: which line of a script it was.
 */
import { tf } from '@rondo/engine'
import type { Stage } from '../hooks.ts'
import { SimpleProfiler, table } from './simple.ts'

/** As in tfjs: a number, or a promise of one; an object where the device cannot tell. */
type KernelTime = number | { error: string } | Promise<number | { error: string }>

export interface KernelTotal {
  kernel: string
  calls: number
  ms: number
  bytes: number
}

/** Times every kernel below the trainer's actions; Lightning's AdvancedProfiler, with kernels in the place of functions. */
export class AdvancedProfiler extends SimpleProfiler {
  private readonly totals = new Map<string, KernelTotal>()

  override setup(stage: Stage): void {
    super.setup(stage)
    this.totals.clear()
  }

  override async kernels<T>(fn: () => Promise<T>): Promise<T> {
    let result: { value: T } | null = null
    const { kernels } = await tf.profile(async () => {
      result = { value: await fn() }
      return []
    })
    for (const { name, kernelTimeMs, bytesAdded } of kernels) {
      const time = await (kernelTimeMs as KernelTime)
      const total = this.totals.get(name) ?? { kernel: name, calls: 0, ms: 0, bytes: 0 }
      total.calls += 1
      total.ms += typeof time === 'number' ? time : 0
      total.bytes += Math.max(0, bytesAdded)
      this.totals.set(name, total)
    }
    return (result as unknown as { value: T }).value
  }

  /** What was measured, the longest first. */
  kernelTotals(): KernelTotal[] {
    return [...this.totals.values()].sort((a, b) => b.ms - a.ms)
  }

  override summary(): string {
    const rows = this.kernelTotals()
    if (rows.length === 0) return super.summary()
    const all = rows.reduce((sum, { ms }) => sum + ms, 0)
    const lines = rows.map(({ kernel, calls, ms, bytes }) => [
      kernel,
      String(calls),
      (ms / calls).toPrecision(4),
      ms.toPrecision(5),
      String(bytes),
      (all > 0 ? (100 * ms) / all : 0).toPrecision(4),
    ])
    const head = ['Kernel', 'Num calls', 'Mean (ms)', 'Total (ms)', 'Bytes made', 'Percentage %']
    return `${super.summary()}\n\n${table('Kernels of the training steps', [head, ...lines])}`
  }
}

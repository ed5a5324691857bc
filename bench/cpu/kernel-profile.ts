/** Where a workload's time goes: each of tfjs's kernels, by name, wrapped in a clock. */
import { tf } from '@rondo/engine'
import type { Task } from './workloads.ts'

const ROWS = 25

interface Spent {
  ms: number
  calls: number
}

let spent: Map<string, Spent> | null = null

/** Starts counting anew; the result makes a table of what one repetition of a task spends. */
export function profileKernels(backend: string): (task: Task) => string {
  if (spent === null) wrapAll(backend)
  const counted = new Map<string, Spent>()
  spent = counted
  return ({ workload, warmUp, repetitions }) => {
    const runs = warmUp + repetitions
    const rows = [...counted].sort(([, a], [, b]) => b.ms - a.ms).slice(0, ROWS)
    const lines = rows.map(
      ([name, { ms, calls }]) =>
        `${(ms / runs).toFixed(3).padStart(9)} ms ${(calls / runs).toFixed(1).padStart(6)} ×  ${name}`,
    )
    return [`${workload}, per repetition, warm-up included:`, ...lines].join('\n')
  }
}

function wrapAll(backend: string): void {
  for (const config of tf.getKernelsForBackend(backend)) {
    const { kernelName, kernelFunc } = config
    tf.unregisterKernel(kernelName, backend)
    tf.registerKernel({
      ...config,
      kernelFunc: (call) => {
        const start = performance.now()
        const out = kernelFunc(call)
        const entry = spent?.get(kernelName) ?? { ms: 0, calls: 0 }
        entry.ms += performance.now() - start
        entry.calls++
        spent?.set(kernelName, entry)
        return out
      },
    })
  }
}

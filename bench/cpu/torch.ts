/** The yardstick as a child process that stays for the whole run, asked line by line. Not for: what it measures. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { findTorch } from '../torch.ts'
import type { Runner } from './runner.ts'
import type { Task } from './workloads.ts'

const SCRIPT = join(import.meta.dirname, 'yardstick.py')

/** Starts PyTorch on this many threads; null, with a line that says so, where no Python has it. */
export async function openTorch(threads: number, say: (line: string) => void): Promise<Runner | null> {
  const python = findTorch(say)
  if (python === null) return null
  const count = String(threads)
  const env = { ...process.env, OPENBLAS_NUM_THREADS: count, OMP_NUM_THREADS: count, MKL_NUM_THREADS: count }
  const child = spawn(python, [SCRIPT, count], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async (): Promise<Record<string, unknown>> => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`PyTorch's process ended before it answered; its own words are above`)
    return JSON.parse(value as string)
  }
  const { torch } = await answer()
  return {
    name: `PyTorch ${torch}`,
    async run(task: Task) {
      child.stdin.write(`${JSON.stringify(task)}\n`)
      return (await answer())['ms'] as number[]
    },
    async close() {
      child.stdin.end()
    },
  }
}

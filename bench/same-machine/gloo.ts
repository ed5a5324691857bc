/** The yardstick as a child process that stays for the whole run, asked line by line. Not for: what it measures. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { findTorch } from '../torch.ts'

const SCRIPT = join(import.meta.dirname, 'gloo.py')

export interface Gloo {
  readonly name: string
  /** Milliseconds, on the slower of two ranks, of `count` all-reduces of `bytes`. */
  ring(bytes: number, count: number): Promise<number>
  close(): Promise<void>
}

/** Null, with a line that says so, where no Python has PyTorch. */
export async function openGloo(say: (line: string) => void): Promise<Gloo | null> {
  const python = findTorch(say)
  if (python === null) return null
  // Where the two processes meet.
  const folder = mkdtempSync(join(tmpdir(), 'rondo-gloo-'))
  const child = spawn(python, [SCRIPT, join(folder, 'store')], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async (): Promise<Record<string, unknown>> => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`gloo's process ended before it answered; its own words are above`)
    return JSON.parse(value as string)
  }
  const { torch } = await answer()
  return {
    name: `gloo of PyTorch ${torch}`,
    async ring(bytes, count) {
      child.stdin.write(`${JSON.stringify({ bytes, count })}\n`)
      return (await answer())['ms'] as number
    },
    async close() {
      child.stdin.end()
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

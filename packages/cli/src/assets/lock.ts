/**
 * A lock between processes of one machine: a folder that only one can make. A holder that died is
 * noticed by its process number. Not for: locking between machines.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RondoError } from '@rondo/protocol'

/** Milliseconds between two looks; a build takes seconds. */
const LOOK_AGAIN_MS = 150

/**
 * Runs `work` while holding the lock at `path`.
 * @param timeoutMs how long to wait for another holder; then TIMEOUT
 */
export async function withLock<T>(
  path: string,
  timeoutMs: number,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  mkdirSync(dirname(path), { recursive: true })
  while (!take(path)) {
    if (Date.now() > deadline) {
      throw new RondoError(
        'TIMEOUT',
        `Another command has held ${path} for ${Math.round(timeoutMs / 1000)} s. Wait for it to end, or delete that folder if nothing runs.`,
      )
    }
    await sleep(LOOK_AGAIN_MS, undefined, { signal })
  }
  try {
    return await work()
  } finally {
    rmSync(path, { recursive: true, force: true })
  }
}

function take(path: string): boolean {
  try {
    mkdirSync(path)
    writeFileSync(join(path, 'pid'), String(process.pid))
    return true
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
    if (holderLives(path)) return false
    rmSync(path, { recursive: true, force: true })
    return false
  }
}

function holderLives(path: string): boolean {
  let holder: number
  try {
    holder = Number(readFileSync(join(path, 'pid'), 'utf8'))
  } catch {
    return true // just made, its number not yet written
  }
  try {
    process.kill(holder, 0)
    return true
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM'
  }
}

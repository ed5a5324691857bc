/** The build lock: one at a time, dead holders forgotten, and a wait that ends. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { sourceFingerprint } from './fingerprint.ts'
import { withLock } from './lock.ts'

const root = mkdtempSync(join(tmpdir(), 'rondo-lock-'))
const { signal } = new AbortController()
afterAll(() => rmSync(root, { recursive: true, force: true }))

it('lets one work at a time', async () => {
  let inside = 0
  const work = async () => {
    inside += 1
    expect(inside).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 20))
    inside -= 1
  }
  const lock = join(root, 'a')
  await Promise.all([withLock(lock, 5_000, signal, work), withLock(lock, 5_000, signal, work)])
})

it('takes over from a process that died', async () => {
  const lock = join(root, 'b')
  mkdirSync(lock)
  writeFileSync(join(lock, 'pid'), '999999999')
  expect(await withLock(lock, 5_000, signal, async () => 'mine')).toBe('mine')
})

it('gives up on one that lives, and when told to', async () => {
  const lock = join(root, 'c')
  mkdirSync(lock)
  writeFileSync(join(lock, 'pid'), String(process.pid))
  await expect(withLock(lock, 10, signal, async () => 1)).rejects.toMatchObject({ code: 'TIMEOUT' })
  await expect(withLock(lock, 60_000, AbortSignal.timeout(20), async () => 1)).rejects.toThrow()
})

it('notices every change of a source, and no other', () => {
  const tree = join(root, 'tree')
  mkdirSync(join(tree, 'packages/engine/src'), { recursive: true })
  mkdirSync(join(tree, 'packages/cli/src'), { recursive: true })
  const write = (path: string, text: string) => writeFileSync(join(tree, path), text)
  write('packages/engine/src/a.ts', '1')
  const before = sourceFingerprint(tree)
  write('packages/cli/src/b.ts', '1')
  write('packages/engine/src/a.test.ts', '1')
  expect(sourceFingerprint(tree)).toBe(before)
  write('packages/engine/src/a.ts', '2')
  const changed = sourceFingerprint(tree)
  expect(changed).not.toBe(before)
  write('packages/engine/src/a.ts', '1')
  expect(sourceFingerprint(tree)).toBe(before)
})

/** Zips of a run's folder, opened by Python's zipfile where there is one and by an own reader everywhere. */
import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, expect, it } from 'vitest'
import { filesBelow, zipOf, zipSize } from './zip.ts'

const root = mkdtempSync(join(tmpdir(), 'rondo-zip-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const folder = join(root, 'run')
mkdirSync(join(folder, 'checkpoints'), { recursive: true })
writeFileSync(join(folder, 'metrics.csv'), 'step,loss\n0,1\n')
writeFileSync(join(folder, 'checkpoints/a.ckpt'), Buffer.alloc(1_500_000, 7))
writeFileSync(join(folder, 'checkpoints/empty'), '')
writeFileSync(join(folder, '.upload-x'), 'half')
writeFileSync(join(root, 'secret'), 'secret')
symlinkSync('a.ckpt', join(folder, 'checkpoints/last.ckpt'))
symlinkSync(join(root, 'secret'), join(folder, 'leak'))

async function zipped(): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of zipOf(await filesBelow(folder))) parts.push(part)
  return Buffer.concat(parts)
}

/** Content by name, read from the index at the end; checks every checksum. */
function read(zip: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  const end = zip.length - 22
  let at = zip.readUInt32LE(end + 16)
  for (let i = 0; i < zip.readUInt16LE(end + 10); i++) {
    const [checksum, size, length] = [zip.readUInt32LE(at + 16), zip.readUInt32LE(at + 24), zip.readUInt16LE(at + 28)]
    const local = zip.readUInt32LE(at + 42)
    const from = local + 30 + zip.readUInt16LE(local + 26)
    const content = zip.subarray(from, from + size)
    expect(crc32(content)).toBe(checksum)
    files.set(zip.toString('utf8', at + 46, at + 46 + length), content)
    at += 46 + length
  }
  expect(at).toBe(end)
  return files
}

it('has every file of the folder, links inside of it followed, and nothing hidden or from outside', async () => {
  const zip = await zipped()
  expect(zip.length).toBe(await zipSize(await filesBelow(folder)))
  const files = read(zip)
  expect([...files.keys()]).toEqual(['checkpoints/a.ckpt', 'checkpoints/empty', 'checkpoints/last.ckpt', 'metrics.csv'])
  expect(files.get('metrics.csv')?.toString()).toBe('step,loss\n0,1\n')
  expect(files.get('checkpoints/last.ckpt')?.length).toBe(1_500_000)
})

it.skipIf(spawnSync('python3', ['--version']).status !== 0)('is opened by another program', async () => {
  const path = join(root, 'run.zip')
  writeFileSync(path, await zipped())
  const out = execFileSync('python3', ['-m', 'zipfile', '-t', path]).toString()
  expect(out).toMatch(/Done testing/)
})

it('holds a file as it was when its turn came, though it grows', async () => {
  const parts: Buffer[] = []
  for await (const part of zipOf(await filesBelow(folder))) {
    if (part.includes('metrics.csv')) appendFileSync(join(folder, 'metrics.csv'), '1,2\n')
    parts.push(part)
  }
  expect(read(Buffer.concat(parts)).get('metrics.csv')?.toString()).toBe('step,loss\n0,1\n')
})

it('is empty for a folder that is not there', async () => {
  expect(await filesBelow(join(root, 'none'))).toEqual([])
})

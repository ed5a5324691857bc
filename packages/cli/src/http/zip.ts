/**
 * A folder as one zip file (PKWARE APPNOTE 6.3), uncompressed: checkpoints hardly shrink, and a file's place is known
 * before its bytes are read. Files may grow or be replaced meanwhile; each goes in as it was when its turn came. Own
 * code of a page's length, since Node has the checksum and no archive. Not for: reading zips, or files past 4 GiB.
 */
import type { FileHandle } from 'node:fs/promises'
import { open, readdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { crc32 } from 'node:zlib'

/** Past these a zip needs its 64-bit form, which this is not. */
const MAX_ZIP_BYTES = 0xffff_ffff
const MAX_FILES = 0xffff
/** Version of the format that readers need: folders in names. */
const VERSION = 20
/** Names are UTF-8. */
const FLAGS = 0x0800
const LOCAL_HEADER = 0x0403_4b50
const CENTRAL_HEADER = 0x0201_4b50
const END = 0x0605_4b50
const LOCAL_BYTES = 30
const CENTRAL_BYTES = 46
const END_BYTES = 22
const CHUNK_BYTES = 1024 * 1024
/** Levels of folders that are walked. */
const MAX_DEPTH = 8

export interface ZipEntry {
  /** Path in the archive, with `/`. */
  name: string
  /** Absolute path on disk. */
  path: string
}

/** All files below a folder, by name; hidden ones and links that lead out of it are left out. */
export async function filesBelow(folder: string): Promise<ZipEntry[]> {
  const root = await realpath(folder).catch(() => null)
  if (root === null) return []
  const found: ZipEntry[] = []
  const walk = async (below: string, depth: number): Promise<void> => {
    for (const name of (await readdir(join(root, below)).catch(() => [])).sort()) {
      if (name.startsWith('.')) continue
      const inside = below === '' ? name : `${below}/${name}`
      const path = await realpath(join(root, inside)).catch(() => null)
      if (path === null || !path.startsWith(root + sep)) continue
      const entry = await stat(path).catch(() => null)
      if (entry?.isDirectory() && depth < MAX_DEPTH) await walk(inside, depth + 1)
      else if (entry?.isFile()) found.push({ name: inside, path })
    }
  }
  await walk('', 0)
  return found
}

/** Bytes that the archive would have now; null where it would be too large for a plain zip. */
export async function zipSize(entries: readonly ZipEntry[]): Promise<number | null> {
  if (entries.length > MAX_FILES) return null
  let size = END_BYTES
  for (const { name, path } of entries) {
    size +=
      LOCAL_BYTES +
      CENTRAL_BYTES +
      2 * Buffer.byteLength(name) +
      (await stat(path).then(
        (s) => s.size,
        () => 0,
      ))
  }
  return size > MAX_ZIP_BYTES ? null : size
}

/** The archive, piece by piece. */
export async function* zipOf(entries: readonly ZipEntry[]): AsyncGenerator<Buffer> {
  const central: Buffer[] = []
  let at = 0
  for (const { name, path } of entries) {
    const handle = await open(path).catch(() => null)
    // Removed since it was listed: a checkpoint that a better one displaced.
    if (handle === null) continue
    try {
      const { size, mtime } = await handle.stat()
      let checksum = 0
      for await (const chunk of chunksOf(handle, size)) checksum = crc32(chunk, checksum)
      const fields = { name: Buffer.from(name), size, checksum, mtime }
      const header = localHeader(fields)
      yield header
      central.push(centralHeader(fields, at))
      at += header.length
      for await (const chunk of chunksOf(handle, size)) {
        at += chunk.length
        yield chunk
      }
    } finally {
      await handle.close()
    }
  }
  const index = Buffer.concat(central)
  yield index
  const end = Buffer.alloc(END_BYTES)
  end.writeUInt32LE(END, 0)
  end.writeUInt16LE(central.length, 8)
  end.writeUInt16LE(central.length, 10)
  end.writeUInt32LE(index.length, 12)
  end.writeUInt32LE(at, 16)
  yield end
}

/** The first `size` bytes of a file, however much it grows; zeros for what it lost. */
async function* chunksOf(handle: FileHandle, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < size; ) {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, size - at))
    await handle.read(chunk, 0, chunk.length, at)
    at += chunk.length
    yield chunk
  }
}

interface Fields {
  name: Buffer
  size: number
  checksum: number
  mtime: Date
}

function localHeader(fields: Fields): Buffer {
  const header = Buffer.alloc(LOCAL_BYTES)
  header.writeUInt32LE(LOCAL_HEADER, 0)
  header.writeUInt16LE(VERSION, 4)
  writeShared(header, 6, fields)
  return Buffer.concat([header, fields.name])
}

function centralHeader(fields: Fields, at: number): Buffer {
  const header = Buffer.alloc(CENTRAL_BYTES)
  header.writeUInt32LE(CENTRAL_HEADER, 0)
  header.writeUInt16LE(VERSION, 4)
  header.writeUInt16LE(VERSION, 6)
  writeShared(header, 8, fields)
  header.writeUInt32LE(at, 42)
  return Buffer.concat([header, fields.name])
}

/** What both headers have, in the same order: flags, method (0: stored), time, checksum, sizes, length of the name. */
function writeShared(header: Buffer, at: number, { name, size, checksum, mtime }: Fields): void {
  header.writeUInt16LE(FLAGS, at)
  header.writeUInt16LE((mtime.getHours() << 11) | (mtime.getMinutes() << 5) | (mtime.getSeconds() >> 1), at + 4)
  header.writeUInt16LE(((mtime.getFullYear() - 1980) << 9) | ((mtime.getMonth() + 1) << 5) | mtime.getDate(), at + 6)
  header.writeUInt32LE(checksum, at + 8)
  header.writeUInt32LE(size, at + 12)
  header.writeUInt32LE(size, at + 16)
  header.writeUInt16LE(name.length, at + 20)
}

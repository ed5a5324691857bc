/**
 * Puts a compressed copy beside each file of the build that shrinks, for machines that are reached over Wi-Fi: tfjs
 * and its WebAssembly are a third of their size then. Not for: deciding who gets the copy (http/handler.ts).
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

const COMPRESSED = new Set(['.js', '.css', '.html', '.svg', '.wasm'])
/** Bytes below which one packet carries a file anyway. */
const SMALLEST = 1_400

export async function compressFiles(folder: string): Promise<void> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  await Promise.all(
    files
      .filter((file) => file.isFile() && COMPRESSED.has(extname(file.name)))
      .map(async ({ parentPath, name }) => {
        const path = join(parentPath, name)
        const bytes = await readFile(path)
        if (bytes.byteLength >= SMALLEST) await writeFile(`${path}.gz`, await promisify(gzip)(bytes))
      }),
  )
}

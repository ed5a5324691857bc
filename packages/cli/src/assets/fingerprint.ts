/**
 * One digest over everything the pages and the runtime are built from, to tell whether a build is still
 * true. Contents count, not times: a fresh checkout and a copied tree give the same digest.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Relative to the root of the checkout. */
const SOURCES = ['packages', 'apps', 'vite.config.ts', 'tsconfig.base.json', 'package-lock.json']
/** Never part of a build for browsers. */
const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'node', 'cli'])
const SKIPPED_FILES = /\.test\.tsx?$/

/** SHA-256, hex, of the names and contents of all sources below `root`. */
export function sourceFingerprint(root: string): string {
  const digest = createHash('sha256')
  for (const source of SOURCES) {
    for (const path of filesBelow(join(root, source))) {
      digest.update(`${relative(root, path)}\0`)
      digest.update(readFileSync(path))
    }
  }
  return digest.digest('hex')
}

function filesBelow(path: string): string[] {
  if (!existsSync(path)) return []
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) ? [] : filesBelow(join(path, entry.name))
      return SKIPPED_FILES.test(entry.name) ? [] : [join(path, entry.name)]
    })
}

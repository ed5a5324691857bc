/**
 * Makes sure that `dist/` holds the pages and the runtime of the present sources: builds only when they
 * changed since the last build, and never twice at once. Not for: users' scripts (bundle.ts).
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CACHE, DIST, ROOT, VITE_CONFIG } from '../paths.ts'
import { compressFiles } from './compress.ts'
import { sourceFingerprint } from './fingerprint.ts'
import { withLock } from './lock.ts'

/** Another command's build on a slow machine is done by then. */
const BUILD_TIMEOUT_MS = 300_000
/** Digest of the sources that dist/ was built from; inside dist/, so that deleting it forgets the build. */
const STAMP = join(DIST, '.sources')

/**
 * @param say prints the one line that tells a person why it takes a moment
 * @returns true if something was built
 */
export async function ensureAssets(signal: AbortSignal, say: (line: string) => void): Promise<boolean> {
  if (isFresh()) return false
  return withLock(join(CACHE, 'build.lock'), BUILD_TIMEOUT_MS, signal, async () => {
    const digest = sourceFingerprint(ROOT)
    if (isFresh(digest)) return false
    say('Building the pages and the runtime (only after a change) …')
    const { build } = await import('vite')
    await build({ configFile: VITE_CONFIG, logLevel: 'error' })
    await compressFiles(DIST)
    mkdirSync(dirname(STAMP), { recursive: true })
    writeFileSync(STAMP, digest)
    return true
  })
}

function isFresh(digest = sourceFingerprint(ROOT)): boolean {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === digest
}

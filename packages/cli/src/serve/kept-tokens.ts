/**
 * The tokens of a served session, kept in a file of its owner's, so that a server that is started again soon finds its
 * pages back and its links still work. Not for: checking tokens (signaling-server), or sessions of `rondo run`.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SessionTokens } from '@rondo/signaling-server'

/** Milliseconds since the last start after which links are made anew: one that was passed on must not work for ever. */
const KEEP_MS = 12 * 60 * 60 * 1000
const TOKEN = /^[\w-]{20,128}$/

export interface TokenPlace {
  /** Folder of such files, made when it is missing. */
  folder: string
  port: number
  session: string
}

/** The tokens of the last start on this port and session; null when there are none or they are too old. */
export function readKeptTokens(place: TokenPlace, now = Date.now()): SessionTokens | null {
  try {
    const file = fileOf(place)
    const { mtimeMs, mode } = statSync(file)
    // Tokens that others of this machine could read are no secret any more.
    if (now - mtimeMs > KEEP_MS || (process.platform !== 'win32' && (mode & 0o077) !== 0)) return null
    const { joinToken, controlToken } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
    const fit = [joinToken, controlToken].every((token) => typeof token === 'string' && TOKEN.test(token))
    return fit ? { joinToken: joinToken as string, controlToken: controlToken as string } : null
  } catch {
    return null
  }
}

/** Keeps them for the next start. A disk that refuses costs only that: the next start has new links. */
export function keepTokens(place: TokenPlace, { joinToken, controlToken }: SessionTokens): void {
  try {
    mkdirSync(place.folder, { recursive: true, mode: 0o700 })
    dropOld(place.folder)
    // A file that is there already would keep its mode.
    rmSync(fileOf(place), { force: true })
    writeFileSync(fileOf(place), JSON.stringify({ joinToken, controlToken }), { mode: 0o600 })
  } catch {
    // Said above.
  }
}

function dropOld(folder: string): void {
  for (const name of readdirSync(folder)) {
    const file = join(folder, name)
    if (Date.now() - statSync(file).mtimeMs > KEEP_MS) rmSync(file, { force: true })
  }
}

function fileOf({ folder, port, session }: TokenPlace): string {
  return join(folder, `${port}-${session}.json`)
}

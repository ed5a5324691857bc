/**
 * Everything that a browser context fetches, as it travels: bodies as the server sent them, compressed where it did,
 * workers included. Not for: what a page needs before anybody does anything (page-javascript.ts).
 */
import type { BrowserContext, Response } from 'playwright-core'

export interface Download {
  /** Path on the server, such as `/assets/page-join-x.js`. */
  path: string
  /** Bytes of the body on the wire. */
  bytes: number
}

/** Listens from now on; `read` gives what has come so far, largest first. Data sets are nobody's page and left out. */
export function recordDownloads(context: BrowserContext): { read(): Download[] } {
  const downloads: Download[] = []
  const unmeasured: string[] = []
  context.on('response', (response: Response) => {
    const path = new URL(response.url()).pathname
    if (path.startsWith('/data/')) return
    // The body of a worker's module cannot be asked for; what the server announces is what travels.
    const length = response.headers()['content-length']
    if (length !== undefined) downloads.push({ path, bytes: Number(length) })
    else if (response.status() === 200) unmeasured.push(path)
  })
  return {
    read() {
      if (unmeasured.length > 0) throw new Error(`no length was announced for ${unmeasured.join(', ')}`)
      return [...downloads].sort((a, b) => b.bytes - a.bytes)
    },
  }
}

export function bytesOf(downloads: readonly Download[]): number {
  return downloads.reduce((sum, { bytes }) => sum + bytes, 0)
}

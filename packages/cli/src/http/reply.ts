/** Small answers and the headers every answer carries. Not for: files (sirv, run-files.ts). */
import type { ServerResponse } from 'node:http'

/**
 * Shared memory and WASM threads need a page that is isolated from other origins; the same headers on every
 * resource keep the isolated page able to load them.
 */
export function isolate(response: ServerResponse): void {
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
  response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
  response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin')
  response.setHeader('X-Content-Type-Options', 'nosniff')
}

/** One plain sentence with a status. */
export function reply(response: ServerResponse, status: number, sentence: string): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' })
  response.end(`${sentence}\n`)
}

/**
 * Bytes at the end of a run's file, which come whole or not at all. Not for: whole files (run-files.ts), or who may do
 * it.
 */
import { mkdir, open } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { dirname } from 'node:path'
import { reply } from './reply.ts'

/** Bytes of one request; a logger that writes every hundred steps sends some kilobytes. */
const MAX_APPEND_BYTES = 16 * 1024 * 1024

/**
 * Puts the body at byte `x-rondo-offset` and ends the file behind it, so that a request that is sent again changes
 * nothing. The body is taken in before the file is touched: a tab that dies half-way leaves no half row.
 */
export async function appendToFile(file: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const at = Number(request.headers['x-rondo-offset'])
  if (!(Number.isSafeInteger(at) && at >= 0)) {
    return reply(response, 400, 'PATCH needs the header x-rondo-offset: the byte at which its body begins.')
  }
  const parts: Buffer[] = []
  let length = 0
  for await (const part of request) {
    length += (part as Buffer).length
    if (length > MAX_APPEND_BYTES) {
      response.setHeader('Connection', 'close')
      return reply(response, 413, `A PATCH may have ${MAX_APPEND_BYTES} bytes at most.`)
    }
    parts.push(part as Buffer)
  }
  if (!request.complete) return
  try {
    await mkdir(dirname(file), { recursive: true })
    const handle = await open(file, at === 0 ? 'a+' : 'r+')
    try {
      const { size } = await handle.stat()
      if (at > size) return reply(response, 409, `The file has ${size} bytes, so nothing can be put at byte ${at}.`)
      await handle.truncate(at)
      await handle.write(Buffer.concat(parts), 0, length, at)
    } finally {
      await handle.close()
    }
    response.writeHead(204).end()
  } catch (thrown) {
    const missing = (thrown as NodeJS.ErrnoException).code === 'ENOENT'
    if (missing) return reply(response, 409, 'There is no such file to put something at the end of.')
    reply(response, 507, `The file could not be written: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  }
}

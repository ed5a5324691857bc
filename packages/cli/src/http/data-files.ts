/** `/data/mnist/…`: the files of MNIST, whole or in ranges, cached for good because they never change. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { mnistFiles } from '@rondo/data/node'
import { reply } from './reply.ts'

const ONE_YEAR_SECONDS = 31_536_000
/** Bytes read at a time: with Node's 64 KiB a browser takes twice as long for the 47 MB of images. */
const READ_BYTES = 1_048_576

/** @param path decoded path of the request, e.g. `/data/mnist/train-images-idx3-ubyte` */
export async function serveData(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return reply(response, 405, 'Data takes GET.')
  const name = path.slice('/data/mnist/'.length)
  const file = path.startsWith('/data/mnist/') ? mnistFiles().find((candidate) => candidate.name === name) : undefined
  if (file === undefined)
    return reply(response, 404, 'Data offered here: /data/mnist/ and the names of the MNIST files.')
  const { size, mtimeMs } = await stat(file.path)
  const etag = `"${size}-${Math.round(mtimeMs)}"`
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Cache-Control': `public, max-age=${ONE_YEAR_SECONDS}, immutable`,
    'Accept-Ranges': 'bytes',
    ETag: etag,
  }
  if (request.headers['if-none-match'] === etag) return void response.writeHead(304, headers).end()
  const range = parseRange(request.headers.range, size)
  if (range === 'unsatisfiable') {
    response.setHeader('Content-Range', `bytes */${size}`)
    return reply(response, 416, `The file has ${size} bytes.`)
  }
  const { start, end } = range ?? { start: 0, end: size - 1 }
  response.writeHead(range === null ? 200 : 206, {
    ...headers,
    'Content-Length': end - start + 1,
    ...(range === null ? {} : { 'Content-Range': `bytes ${start}-${end}/${size}` }),
  })
  if (request.method === 'HEAD') return void response.end()
  await pipeline(createReadStream(file.path, { start, end, highWaterMark: READ_BYTES }), response)
}

/**
 * One byte range of a `Range` header (RFC 9110 §14.2). Several ranges or another unit count as none, which the
 * standard allows.
 */
export function parseRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '')
  if (match === null || (match[1] === '' && match[2] === '')) return null
  const [from, to] = [match[1] ?? '', match[2] ?? '']
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  if (from !== '' && to !== '' && Number(to) < start) return null
  return start >= size || (from === '' && Number(to) === 0) ? 'unsatisfiable' : { start, end }
}

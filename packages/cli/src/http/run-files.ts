/**
 * `/runs/<id>/…`: the script that ranks import, and the files that rank 0 stores and fetches. Uploads are
 * bounded, written beside their place and renamed, so that nobody ever reads half a file. A page that controls
 * its session opens a run of its own by `POST /runs/<id>` and may remove that run's files again.
 */
import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readdir, rename, rm, rmdir, stat, symlink } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { dirname, extname, join, relative } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { MAX_UPLOAD_BYTES } from '@rondo/protocol'
import { reply } from './reply.ts'
import { appendToFile } from './run-append.ts'
import {
  isReserved,
  type OpenOutcome,
  pathInNeighbour,
  pathInRun,
  type ServedRun,
  type ServedRuns,
  tokenFits,
} from './run-folder.ts'
import { filesBelow, zipOf, zipSize } from './zip.ts'

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.json': 'application/json; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
}

/** Ending of what ranks may remove again. */
const CHECKPOINT = '.ckpt'

const BAD_NAME = 'A file name has up to 6 pieces of letters, digits and ._=- parted by /, none starting with a dot.'

class UploadTooLarge extends Error {}

/** @param path decoded path of the request, e.g. `/runs/k3/files/model.safetensors` */
export async function serveRun(
  runs: ServedRuns,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  maxBytes: number = MAX_UPLOAD_BYTES,
): Promise<void> {
  const [, runId = '', rest = ''] = /^\/runs\/([^/]+)(?:\/(.+))?$/.exec(path) ?? []
  if (request.method === 'POST') {
    if (rest === '') return openRun(runs, runId, request, response)
    return reply(response, 405, 'POST goes to /runs/<id>, which opens a run.')
  }
  const run = runs.find(runId)
  if (run === undefined) return reply(response, 404, `There is no run "${runId.slice(0, 64)}" here.`)
  if (rest === 'script.js') return sendScript(run, request, response)
  const token = request.headers['x-rondo-token'] ?? new URL(request.url ?? '/', 'http://host').searchParams.get('token')
  if (rest === 'archive.zip') return sendArchive(run, token, request, response)
  if (!rest.startsWith('files/')) return reply(response, 404, 'Runs offer script.js, archive.zip and files/NAME.')

  const name = rest.slice('files/'.length)
  if (request.method === 'DELETE') {
    // Ranks keep the best checkpoints only; who may overwrite one may remove it.
    const isOwn = name.endsWith(CHECKPOINT) && tokenFits(run, token)
    if (!isOwn && !runs.controls(runId, token)) {
      return reply(response, 403, 'Only who opened this run may remove its files; ranks may remove checkpoints.')
    }
    const gone = pathInRun(run, name)
    return gone === null ? reply(response, 400, BAD_NAME) : removeFile(run, gone, name, response)
  }
  if (!tokenFits(run, token)) return reply(response, 403, 'The token of this session is missing or wrong.')
  if (request.method === 'GET' && (name === '' || name.endsWith('/'))) return listFolder(run, name, response)
  const file = pathInRun(run, name)
  if (file === null) {
    return reply(response, 400, BAD_NAME)
  }
  if (request.method === 'GET' || request.method === 'HEAD') {
    return sendFile(pathInNeighbour(run, name) ?? file, name, request, response)
  }
  if (request.method !== 'PUT' && request.method !== 'PATCH') {
    return reply(response, 405, 'Files take GET, PUT, PATCH and DELETE.')
  }
  if (isReserved(name)) return reply(response, 409, `${name} is written by Rondo itself; choose another name.`)
  if (request.method === 'PATCH') return appendToFile(file, request, response)
  const target = request.headers['x-rondo-link']
  if (target !== undefined) return linkFile(run, file, String(target), request, response)
  return storeFile(run, file, maxBytes, request, response)
}

/** All files of the run as one zip. */
async function sendArchive(
  run: ServedRun,
  token: unknown,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!tokenFits(run, token)) return reply(response, 403, 'The token of this session is missing or wrong.')
  if (request.method !== 'GET' && request.method !== 'HEAD') return reply(response, 405, 'The archive takes GET.')
  const entries = await filesBelow(run.folder)
  if (entries.length === 0) return reply(response, 404, 'This run has no files yet.')
  if ((await zipSize(entries)) === null) {
    return reply(response, 413, `The files of this run are more than one zip holds. Copy the folder runs/${run.runId}.`)
  }
  response.writeHead(200, {
    'Content-Type': 'application/zip',
    'Content-Disposition': `attachment; filename="${run.runId}.zip"`,
    'Cache-Control': 'no-store',
  })
  if (request.method === 'HEAD') return void response.end()
  await pipeline(zipOf(entries), response)
}

/** Names in a folder as a JSON list, what is still being uploaded aside; empty where there is no folder. */
async function listFolder(run: ServedRun, name: string, response: ServerResponse): Promise<void> {
  const folder = name === '' ? run.folder : pathInRun(run, name.slice(0, -1))
  if (folder === null) return reply(response, 400, BAD_NAME)
  const names = await readdir(folder).catch(() => [] as string[])
  const shown = names.filter((entry) => !entry.startsWith('.')).sort()
  response.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' })
  response.end(JSON.stringify(shown))
}

/** Makes `file` a link to another file of the run, in one step. */
async function linkFile(
  run: ServedRun,
  file: string,
  target: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  request.resume()
  const path = pathInRun(run, target)
  const stats = path === null ? null : await stat(path).catch(() => null)
  if (path === null || !stats?.isFile()) return reply(response, 404, `This run has no file ${target.slice(0, 200)}.`)
  const partial = join(run.folder, `.upload-${randomUUID()}`)
  try {
    await mkdir(dirname(file), { recursive: true })
    await symlink(relative(dirname(file), path), partial)
    await rename(partial, file)
    response.writeHead(204).end()
  } catch (thrown) {
    await rm(partial, { force: true })
    reply(response, 507, `The link could not be made: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  }
}

const REFUSALS = {
  forbidden: [403, 'Opening a run needs the control token of a session of this server.'],
  taken: [409, 'A run of this id exists already and belongs to somebody else; choose another id.'],
  'bad-name': [400, 'The id of a run has 1 to 64 letters, digits, _ and -.'],
} as const satisfies Partial<Record<OpenOutcome, readonly [number, string]>>

function openRun(runs: ServedRuns, runId: string, request: IncomingMessage, response: ServerResponse): void {
  request.resume()
  const outcome = runs.open(runId, request.headers['x-rondo-token'])
  if (outcome === 'opened' || outcome === 'known') {
    response.writeHead(outcome === 'opened' ? 201 : 200).end()
  } else {
    const [status, sentence] = REFUSALS[outcome]
    reply(response, status, sentence)
  }
}

/** Removes a file, and the folders that it leaves empty: a launch that stored nothing leaves nothing. */
async function removeFile(run: ServedRun, file: string, name: string, response: ServerResponse): Promise<void> {
  if (isReserved(name)) return reply(response, 409, `${name} is written by Rondo itself and stays.`)
  await rm(file, { force: true })
  for (let folder = dirname(file); folder.startsWith(run.folder); folder = dirname(folder)) {
    if (
      !(await rmdir(folder)
        .then(() => true)
        .catch(() => false))
    )
      break
  }
  response.writeHead(204).end()
}

function sendScript(run: ServedRun, request: IncomingMessage, response: ServerResponse): void {
  if (run.script === null) {
    reply(response, 404, 'The program of this run is part of the runtime.')
    return
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    reply(response, 405, 'The script takes GET.')
    return
  }
  response.writeHead(200, {
    'Content-Type': 'text/javascript; charset=utf-8',
    'Content-Length': Buffer.byteLength(run.script),
    'Cache-Control': 'no-store',
  })
  response.end(request.method === 'HEAD' ? undefined : run.script)
}

async function sendFile(file: string, name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const stats = await stat(file).catch(() => null)
  if (stats === null || !stats.isFile()) return reply(response, 404, `This run has no file ${name}.`)
  response.writeHead(200, {
    'Content-Type': CONTENT_TYPES[extname(name)] ?? 'application/octet-stream',
    'Content-Length': stats.size,
    'Cache-Control': 'no-store',
  })
  if (request.method === 'HEAD') return void response.end()
  await pipeline(createReadStream(file), response)
}

async function storeFile(
  run: ServedRun,
  file: string,
  maxBytes: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const tooLarge = `A file of a run may have ${maxBytes} bytes at most.`
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
    response.setHeader('Connection', 'close')
    return reply(response, 413, tooLarge)
  }
  let received = 0
  const bounded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      received += chunk.length
      done(received > maxBytes ? new UploadTooLarge() : null, chunk)
    },
  })
  const partial = join(run.folder, `.upload-${randomUUID()}`)
  try {
    await mkdir(dirname(file), { recursive: true })
    await pipeline(request, bounded, createWriteStream(partial, { flags: 'wx' }), { end: true })
    await rename(partial, file)
    response.writeHead(204).end()
  } catch (thrown) {
    await rm(partial, { force: true })
    if (thrown instanceof UploadTooLarge) return reply(response, 413, tooLarge)
    if (request.destroyed && !request.complete) return
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    reply(response, 507, `The file could not be written: ${why}`)
  }
}

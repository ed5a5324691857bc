/**
 * Files of the run, reached over HTTP at the page's own origin: the agent there keeps them in the run's folder
 * (or passes them to the main node). Not for: what is in a file.
 */
import { RondoError } from '@rondo/protocol'
import type { RunFiles } from '../context.ts'
import { FILE_NAME } from '../file-name.ts'

/** Milliseconds for one transfer; a checkpoint of a gigabyte on a slow network stays below it. */
const TRANSFER_TIMEOUT_MS = 300_000
const HTTP_NOT_FOUND = 404

interface FileRequest extends Omit<RequestInit, 'headers'> {
  headers?: Record<string, string>
  /** Goes on when the run is stopped; the worker's own end is its end. */
  lasts?: boolean
}

/** Bytes that are copied into a Blob at once: a few milliseconds. */
const PIECE_BYTES = 4 * 1024 * 1024

/** Copies the parts piece by piece, and lets this thread do other things in between. */
async function blobOf(parts: ReadonlyArray<Uint8Array<ArrayBuffer>>): Promise<Blob> {
  const pieces: Blob[] = []
  for (const part of parts) {
    for (let at = 0; at < part.byteLength; at += PIECE_BYTES) {
      const piece = new Blob([part.subarray(at, at + PIECE_BYTES)])
      pieces.push(piece)
      // Comes back from another thread once the piece is taken over.
      if (piece.size === PIECE_BYTES) await piece.slice(0, 1).arrayBuffer()
    }
  }
  return new Blob(pieces)
}

export function httpRunFiles(options: { origin: string; runId: string; token: string; signal: AbortSignal }): RunFiles {
  // A name that ends in a slash is a folder, and the empty one the run's.
  const urlOf = (name: string): string => {
    if (name !== '' && !FILE_NAME.test(name.replace(/\/$/, ''))) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `File name ${JSON.stringify(name)} is not allowed; a name is relative to the run's folder, made of letters, digits, "." "_" "=" "-" and "/". Use one like "checkpoints/last.safetensors".`,
      )
    }
    return `${options.origin}/runs/${options.runId}/files/${name}`
  }
  const request = async (name: string, { lasts = false, headers = {}, ...init }: FileRequest): Promise<Response> => {
    const timeout = AbortSignal.timeout(TRANSFER_TIMEOUT_MS)
    const signal = lasts ? timeout : AbortSignal.any([options.signal, timeout])
    let response: Response
    try {
      response = await fetch(urlOf(name), {
        ...init,
        headers: { ...headers, 'x-rondo-token': options.token },
        signal,
        cache: 'no-store',
      })
    } catch (cause) {
      throw new RondoError(
        'STORAGE_FAILED',
        `${init.method} of ${name} failed: ${String(cause)}. Is "rondo" still running on this machine?`,
        { cause },
      )
    }
    if (!response.ok) {
      const why = (await response.text()).slice(0, 300)
      if (response.status === HTTP_NOT_FOUND && init.method === 'GET') {
        throw new RondoError(
          'BAD_FILE',
          `${name}: there is no such file in the run's folder. Allowed are files that this run wrote or that were put there, and "runs/<id>/….ckpt" of another run. Correct the path.`,
        )
      }
      throw new RondoError(
        'STORAGE_FAILED',
        `${init.method} of ${name} was refused with status ${response.status}: ${why || response.statusText}`,
      )
    }
    return response
  }
  return {
    async write(name, bytes) {
      // A file on its way is stored even when the run is stopped meanwhile. As a Blob: Chromium 156 holds the worker's
      // thread for as long as the upload of an array takes (38 MB: 3 s beside training, 0.5 s as a Blob).
      await request(name, { method: 'PUT', body: new Blob([bytes]), lasts: true })
    },
    async writeParts(name, parts) {
      const body = await blobOf(parts)
      await request(name, { method: 'PUT', body, lasts: true })
    },
    async remove(name) {
      await request(name, { method: 'DELETE' })
    },
    async list(folder) {
      const response = await request(folder === '' ? '' : `${folder}/`, { method: 'GET' })
      return (await response.json()) as string[]
    },
    async link(name, target) {
      await request(name, { method: 'PUT', headers: { 'x-rondo-link': target } })
    },
    async append(name, bytes, at) {
      // What was logged is worth more than a quick end: a run that is stopped still stores its last rows.
      await request(name, { method: 'PATCH', body: bytes, headers: { 'x-rondo-offset': String(at) }, lasts: true })
    },
    async read(name) {
      return new Uint8Array(await (await request(name, { method: 'GET' })).arrayBuffer())
    },
  }
}

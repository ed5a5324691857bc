/**
 * One file over HTTP, read to the end with progress, a deadline and a check of its length. Not for caching:
 * see cached-fetch.ts.
 */
import { RondoError } from '@rondo/protocol'
import { abortError } from './abort.ts'

/** Bytes up to which an announced length is believed before they are here. */
const LARGEST_TRUSTED = 268_435_456

export interface DownloadProgress {
  /** Bytes so far. */
  loaded: number
  /** Bytes in all, where the server says so. */
  total: number | undefined
}

export interface DownloadOptions {
  signal: AbortSignal
  fetch: typeof fetch
  /** What the browser's own HTTP cache may do. */
  cache: RequestCache
  onProgress?: ((progress: DownloadProgress) => void) | undefined
}

/**
 * The bytes at `url`. Errors: BAD_FILE for an HTTP error or fewer or more bytes than announced,
 * CONNECTION_LOST when the server can't be reached or breaks off, ABORTED and TIMEOUT by the signal.
 */
export async function download(url: string, options: DownloadOptions): Promise<Uint8Array<ArrayBuffer>> {
  // Taken out of the options: browsers refuse a fetch that is called as a method of something else.
  const { fetch } = options
  try {
    const response = await fetch(url, { signal: options.signal, cache: options.cache })
    if (!response.ok) {
      throw new RondoError(
        'BAD_FILE',
        `fetch(${url}): the server answered ${response.status} ${response.statusText}; a file was expected. Check the address, and that the server offers it.`,
        { details: { url, status: response.status } },
      )
    }
    const total = announcedLength(response)
    const bytes = await readBody(response, total, options.onProgress)
    if (total !== undefined && bytes.length !== total) {
      throw new RondoError(
        'BAD_FILE',
        `fetch(${url}): at byte ${bytes.length}: the server announced ${total} bytes and sent ${bytes.length}. Load it again.`,
        { details: { url, offset: bytes.length } },
      )
    }
    return bytes
  } catch (error) {
    if (options.signal.aborted) throw abortError(`fetch(${url})`, options.signal)
    if (error instanceof RondoError) throw error
    throw new RondoError(
      'CONNECTION_LOST',
      `fetch(${url}): ${error instanceof Error ? error.message : String(error)}. Check that the server runs and can be reached from this page.`,
      { cause: error },
    )
  }
}

/** Content-Length counts the bytes on the wire, so it says nothing about a compressed body. */
function announcedLength(response: Response): number | undefined {
  const length = response.headers.get('content-length')
  if (length === null || response.headers.has('content-encoding')) return undefined
  return Number(length)
}

async function readBody(
  response: Response,
  total: number | undefined,
  onProgress: DownloadOptions['onProgress'],
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = response.body?.getReader()
  if (!reader) return new Uint8Array(await response.arrayBuffer())
  // Of a known length it is kept once, and not a second time in pieces.
  const whole = total !== undefined && total <= LARGEST_TRUSTED ? new Uint8Array(total) : null
  const chunks: Uint8Array[] = []
  let loaded = 0
  for (;;) {
    const { value, done } = await reader.read()
    if (done) break
    if (whole !== null && loaded + value.length <= whole.length) whole.set(value, loaded)
    else chunks.push(value)
    loaded += value.length
    onProgress?.({ loaded, total })
  }
  if (whole !== null && loaded === whole.length) return whole
  return concatenated(whole?.subarray(0, loaded - sizeOf(chunks)) ?? null, chunks)
}

function sizeOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0)
}

/** What was received, whatever was announced. */
function concatenated(first: Uint8Array | null, rest: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const parts = first === null ? rest : [first, ...rest]
  const bytes = new Uint8Array(sizeOf(parts))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

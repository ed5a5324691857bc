/**
 * Fetches a file once per browser. Cache Storage keeps it, a Web Lock makes a second tab or worker wait for
 * the first one's download and then read the cache. Both need a secure context; elsewhere, and in Node, it is
 * a plain fetch that lets the HTTP cache answer. For files that never change: an entry is not revalidated.
 */
import { RondoError } from '@rondo/protocol'
import { abortError } from './abort.ts'
import { type DownloadProgress, download } from './download.ts'

/** Name of the cache; a new number abandons what older versions stored. */
const CACHE_NAME = 'rondo-data-1'

/** 60 MB at 0.5 MB/s, a poor radio link; includes waiting for another tab's download. */
const DEFAULT_TIMEOUT_MS = 120_000

/** What is used of Cache Storage and Web Locks. */
export interface PageStorage {
  caches: Pick<CacheStorage, 'open'>
  locks: { request<T>(name: string, options: { signal: AbortSignal }, held: () => Promise<T>): Promise<T> }
}

export interface CachedFetchOptions {
  signal?: AbortSignal | undefined
  /** For the whole call, in milliseconds; default 120 s. */
  timeoutMs?: number | undefined
  onProgress?: ((progress: DownloadProgress) => void) | undefined
  /** Throws if the bytes are not what they should be; a bad cache entry is then fetched anew, once. */
  check?: ((bytes: Uint8Array) => void) | undefined
  fetch?: typeof fetch | undefined
  /** Where to keep files; default this page's, `undefined` where it has none (insecure page, Node). */
  storage?: PageStorage | undefined
}

/**
 * The bytes at `address`, from the cache when they are there and pass `check`.
 * Errors: BAD_FILE (HTTP status, wrong length), what `check` throws, CONNECTION_LOST, TIMEOUT, ABORTED.
 */
export async function cachedFetch(address: string, options: CachedFetchOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const url = absolute(address)
  const { timeoutMs = DEFAULT_TIMEOUT_MS, storage = pageStorage() } = options
  const deadline = AbortSignal.timeout(timeoutMs)
  const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline
  if (signal.aborted) throw abortError(`fetch(${url})`, signal)
  const cache = storage && (await openCache(storage))
  if (!storage || !cache) return fetchPlain(url, options, signal)
  const hit = await readCache(cache, url, options)
  if (hit) return hit
  try {
    return await storage.locks.request(`${CACHE_NAME}:${url}`, { signal }, async () => {
      const stored = await readCache(cache, url, options)
      return stored ?? (await fetchInto(cache, url, options, signal))
    })
  } catch (error) {
    if (signal.aborted && !(error instanceof RondoError)) throw abortError(`fetch(${url})`, signal)
    throw error
  }
}

/** One spelling per file, as the name of its lock and entry. A worker made from a blob has only its origin as base. */
function absolute(address: string): string {
  const { location } = globalThis as { location?: Location }
  if (!location) return address
  return new URL(address, location.protocol === 'blob:' ? location.origin : location.href).href
}

function pageStorage(): PageStorage | undefined {
  // Absent at run time on insecure pages and in Node, whatever the types say.
  const scope = globalThis as Partial<Pick<typeof globalThis, 'caches' | 'navigator'>>
  const locks = scope.navigator?.locks as LockManager | undefined
  if (!scope.caches || !locks) return undefined
  return { caches: scope.caches, locks: locks as PageStorage['locks'] }
}

/** `undefined` where the browser refuses storage to this page, as in some private windows. */
async function openCache(storage: PageStorage): Promise<Cache | undefined> {
  return storage.caches.open(CACHE_NAME).catch(() => undefined)
}

/** The stored bytes, or `undefined` if there are none or they fail the check; bad ones are removed. */
async function readCache(
  cache: Cache,
  url: string,
  { check, onProgress }: CachedFetchOptions,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const response = await cache.match(url)
  if (!response) return undefined
  try {
    const bytes = new Uint8Array(await response.arrayBuffer())
    check?.(bytes)
    onProgress?.({ loaded: bytes.length, total: bytes.length })
    return bytes
  } catch {
    await cache.delete(url)
    return undefined
  }
}

async function fetchInto(
  cache: Cache,
  url: string,
  options: CachedFetchOptions,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  // 'no-store': a second copy in the HTTP cache would only take room, and could be the corrupt one.
  const bytes = await fetchChecked(url, options, signal, 'no-store')
  // A full disk must not stop the training: the data is here, only the next start fetches it again.
  // A Blob lies outside of this process at once, so that storing it takes half the time of an array.
  await cache.put(url, new Response(new Blob([bytes]))).catch(() => undefined)
  return bytes
}

async function fetchPlain(
  url: string,
  options: CachedFetchOptions,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await fetchChecked(url, options, signal, 'force-cache')
  } catch (error) {
    // Whether the HTTP cache or the server gave the bad bytes can't be seen, so the server is asked once.
    if (error instanceof RondoError && error.code === 'BAD_FILE') return fetchChecked(url, options, signal, 'reload')
    throw error
  }
}

async function fetchChecked(
  url: string,
  { fetch = globalThis.fetch, onProgress, check }: CachedFetchOptions,
  signal: AbortSignal,
  cache: RequestCache,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await download(url, { signal, fetch, cache, onProgress })
  check?.(bytes)
  return bytes
}

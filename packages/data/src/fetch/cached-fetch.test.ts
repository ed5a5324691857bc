import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cachedFetch, type PageStorage } from './cached-fetch.ts'

const FILE = Uint8Array.from({ length: 5000 }, (_, i) => i)

let server: Server
let url: string
/** What the server saw and how it shall answer. */
let hits: number
let answer: (respond: import('node:http').ServerResponse) => void

beforeEach(async () => {
  hits = 0
  answer = (response) => response.setHeader('content-length', FILE.length).end(FILE)
  server = createServer((_, response) => {
    hits += 1
    answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

/** A browser's storage, shared by the tabs of a test: entries by address, one holder per lock. */
function browserStorage(): PageStorage & { entries: Map<string, Response> } {
  const entries = new Map<string, Response>()
  const queues = new Map<string, Promise<unknown>>()
  const cache = {
    match: async (key: string) => entries.get(key)?.clone(),
    put: async (key: string, response: Response) => void entries.set(key, response),
    delete: async (key: string) => entries.delete(key),
  }
  return {
    entries,
    caches: { open: async () => cache as unknown as Cache },
    locks: {
      request(name, { signal }, held) {
        const turn = (queues.get(name) ?? Promise.resolve()).then(() => {
          signal.throwIfAborted()
          return held()
        })
        queues.set(
          name,
          turn.catch(() => {}),
        )
        const aborted = new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
        })
        return Promise.race([turn, aborted])
      },
    },
  }
}
const checkLength = (bytes: Uint8Array): void => {
  if (bytes.length !== FILE.length) throw new Error(`${bytes.length} bytes`)
}

describe('with storage', () => {
  it('two tabs at once make one request, and a third reads the cache', async () => {
    const storage = browserStorage()
    const [one, two] = await Promise.all([cachedFetch(url, { storage }), cachedFetch(url, { storage })])
    expect(one).toEqual(FILE)
    expect(two).toEqual(FILE)
    expect(await cachedFetch(url, { storage })).toEqual(FILE)
    expect(hits).toBe(1)
  })

  it('a corrupt entry is fetched anew, once, and replaced', async () => {
    const storage = browserStorage()
    storage.entries.set(url, new Response('half a fi'))
    expect(await cachedFetch(url, { storage, check: checkLength })).toEqual(FILE)
    expect(await cachedFetch(url, { storage, check: checkLength })).toEqual(FILE)
    expect(hits).toBe(1)
  })

  it('a file that is corrupt on the server is refused and not kept', async () => {
    const storage = browserStorage()
    answer = (response) => response.end('half a fi')
    await expect(cachedFetch(url, { storage, check: checkLength })).rejects.toThrow('9 bytes')
    expect([hits, storage.entries.size]).toEqual([1, 0])
  })

  it('a full disk or forbidden storage costs only the caching', async () => {
    const full = browserStorage()
    const cache = { match: async () => undefined, put: () => Promise.reject(new Error('quota')) }
    full.caches = { open: async () => cache as unknown as Cache }
    expect(await cachedFetch(url, { storage: full })).toEqual(FILE)
    const forbidden = { ...browserStorage(), caches: { open: () => Promise.reject(new Error('denied')) } }
    expect(await cachedFetch(url, { storage: forbidden })).toEqual(FILE)
  })

  it('waiting for another tab ends at the deadline', async () => {
    const storage = browserStorage()
    let release = (): void => {}
    const held = storage.locks.request(`rondo-data-1:${url}`, { signal: new AbortController().signal }, () => {
      return new Promise<void>((resolve) => {
        release = resolve
      })
    })
    await expect(cachedFetch(url, { storage, timeoutMs: 30 })).rejects.toMatchObject({ code: 'TIMEOUT' })
    release()
    await held
    expect(hits).toBe(0)
  })
})

describe('without storage', () => {
  it('fetches, reports progress up to the whole length', async () => {
    const seen: number[] = []
    const bytes = await cachedFetch(url, { onProgress: ({ loaded, total }) => seen.push(loaded, total ?? -1) })
    expect(bytes).toEqual(FILE)
    expect(seen.slice(-2)).toEqual([FILE.length, FILE.length])
  })

  it('asks the network once more when the bytes fail the check with BAD_FILE', async () => {
    answer = (response) => (hits === 1 ? response.writeHead(503).end() : response.end(FILE))
    expect(await cachedFetch(url)).toEqual(FILE)
    expect(hits).toBe(2)
  })

  it('calls the fetch it is given as a plain function, which browsers insist on', async () => {
    async function strict(this: unknown, ...request: Parameters<typeof fetch>): Promise<Response> {
      if (this !== undefined) throw new TypeError('Illegal invocation')
      return fetch(...request)
    }
    expect(await cachedFetch(url, { fetch: strict })).toEqual(FILE)
  })

  it.each([
    ['an HTTP error', 'BAD_FILE', /404/, (r: import('node:http').ServerResponse) => void r.writeHead(404).end()],
    [
      'a connection that breaks off',
      'CONNECTION_LOST',
      /can be reached/,
      (r: import('node:http').ServerResponse) => {
        r.setHeader('content-length', FILE.length)
        r.write(FILE.subarray(0, 1000), () => r.destroy())
      },
    ],
  ])('%s is %s', async (_, code, message, respond) => {
    answer = respond
    await expect(cachedFetch(url)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  it('stops at the deadline and on abort', async () => {
    answer = () => {}
    await expect(cachedFetch(url, { timeoutMs: 30 })).rejects.toMatchObject({ code: 'TIMEOUT' })
    const abort = new AbortController()
    const waiting = cachedFetch(url, { signal: abort.signal })
    abort.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(cachedFetch(url, { signal: abort.signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

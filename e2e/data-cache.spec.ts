/**
 * MNIST in real browser tabs: fetched once however many tabs want it, mended when the cached copy is damaged, and
 * readable on a page without secure context. Not about training.
 */
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { type BrowserContext, expect, test } from '@playwright/test'
import { mnistFiles } from '@rondo/data/node'
import { build, type Rolldown } from 'vite'

/** Runs in a dedicated worker: loads the test split and answers with its first digits. */
const WORKER = `
import { mnist } from '@rondo/data'
mnist({ split: 'test' }).then(
  async (data) => postMessage({ length: data.length, first: (await data.getBatch([0, 1, 2]))[1].data.join() }),
  (error) => postMessage({ error: String(error) }),
)`
const LOADED = { length: 10_000, first: '7,2,1' }
const IMAGES = 't10k-images-idx3-ubyte'

let server: Server
let port: number
/** Requests per path. */
const hits = new Map<string, number>()

test.beforeAll(async () => {
  const script = await bundle(WORKER)
  const files = new Map(mnistFiles().map(({ name, path }) => [`/data/mnist/${name}`, path]))
  server = createServer(async (request, response) => {
    const path = request.url ?? '/'
    hits.set(path, (hits.get(path) ?? 0) + 1)
    const file = files.get(path)
    if (file) return response.end(await readFile(file))
    response.setHeader('content-type', path === '/worker.js' ? 'text/javascript' : 'text/html')
    return response.end(path === '/worker.js' ? script : '<!doctype html><title>data</title>')
  })
  await new Promise<void>((resolve) => server.listen(0, resolve))
  port = (server.address() as AddressInfo).port
})
test.beforeEach(() => hits.clear())
test.afterAll(() => new Promise((resolve) => server.close(resolve)))

test('two tabs fetch each file once, a later worker none', async ({ context }) => {
  expect(await Promise.all([load(context), load(context)])).toEqual([LOADED, LOADED])
  expect(await load(context, { fromBlob: true })).toEqual(LOADED)
  expect(hits.get(`/data/mnist/${IMAGES}`)).toBe(1)
})

test('a damaged cache entry is fetched again, once', async ({ context }) => {
  await load(context)
  const page = await context.newPage()
  await page.goto(`http://localhost:${port}/`)
  await page.evaluate(async (name) => {
    const cache = await caches.open((await caches.keys())[0] as string)
    await cache.put(`/data/mnist/${name}`, new Response('half a fi'))
  }, IMAGES)
  expect(await load(context)).toEqual(LOADED)
  expect(await load(context)).toEqual(LOADED)
  expect(hits.get(`/data/mnist/${IMAGES}`)).toBe(2)
})

test('a page without secure context reads it too', async ({ context }) => {
  const lan = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const address = lan.find(({ family, internal }) => family === 'IPv4' && !internal)?.address
  test.skip(address === undefined, 'this machine has no address but loopback, which always is a secure context')
  expect(await load(context, { host: address })).toEqual(LOADED)
})

async function load(context: BrowserContext, { host = 'localhost', fromBlob = false } = {}): Promise<unknown> {
  const page = await context.newPage()
  await page.goto(`http://${host}:${port}/`)
  return page.evaluate(async (fromBlob) => {
    const source = fromBlob ? URL.createObjectURL(await (await fetch('/worker.js')).blob()) : '/worker.js'
    return new Promise((resolve) => {
      const worker = new Worker(source, { type: 'module' })
      worker.onmessage = ({ data }) => resolve(data)
      worker.onerror = ({ message }) => resolve({ error: message })
    })
  }, fromBlob)
}

async function bundle(code: string): Promise<string> {
  const id = '\0worker'
  const entry = {
    name: 'entry',
    resolveId: (source: string) => (source === 'worker' ? id : null),
    load: (asked: string) => (asked === id ? code : null),
  }
  const result = await build({
    configFile: false,
    logLevel: 'warn',
    root: import.meta.dirname,
    plugins: [entry],
    build: { write: false, rolldownOptions: { input: 'worker' } },
  })
  const [chunk] = (result as Rolldown.RolldownOutput).output
  return chunk.code
}

/** The page server on a real port: isolation headers, uploads with their bounds and refusals, data in ranges. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { mnistFiles } from '@rondo/data/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compressFiles } from '../assets/compress.ts'
import { parseRange } from './data-files.ts'
import { createPageHandler } from './handler.ts'
import { ServedRuns } from './run-folder.ts'

const TOKEN = 'a-token-nobody-guesses'
const MAX_BYTES = 1000
const LONG = 'export const name = 1\n'.repeat(500)
const root = mkdtempSync(join(tmpdir(), 'rondo-http-'))
const folder = join(root, 'runs', 'r1')
const servers: Server[] = []
let main = ''
let agent = ''

async function listen(handler: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(handler)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

beforeAll(async () => {
  const dist = join(root, 'dist')
  for (const name of ['assets', 'runtime', 'join']) mkdirSync(join(dist, name), { recursive: true })
  writeFileSync(join(dist, 'assets/x-abc.js'), 'export {}')
  writeFileSync(join(dist, 'runtime/rondo.js'), 'export {}')
  writeFileSync(join(dist, 'assets/long-abc.js'), LONG)
  await compressFiles(dist)
  writeFileSync(join(dist, 'join/index.html'), '<p>join</p>')
  writeFileSync(join(root, 'secret'), 'secret')
  const runs = new ServedRuns()
  runs.add({ runId: 'r1', folder, script: 'console.log(1)', token: TOKEN })
  main = await listen(createPageHandler({ dist, source: { runs }, maxUploadBytes: MAX_BYTES }))
  agent = await listen(createPageHandler({ dist, source: { main } }))
})

afterAll(() => {
  for (const server of servers) server.close()
  rmSync(root, { recursive: true, force: true })
})

const put = (origin: string, name: string, body: string | ReadableStream, token: string = TOKEN) =>
  fetch(`${origin}/runs/r1/files/${name}`, {
    method: 'PUT',
    headers: { 'x-rondo-token': token },
    body,
    duplex: 'half',
  } as RequestInit)

/** A path as it is, since fetch would tidy it up. */
function rawStatus(origin: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(origin, { path, method: 'PUT', headers: { 'x-rondo-token': TOKEN } }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    sent.on('error', reject).end('x')
  })
}

describe('pages', () => {
  it('isolates every answer, so that shared memory is allowed', async () => {
    for (const path of ['/join/', '/runtime/rondo.js', '/nothing', '/runs/r1/script.js']) {
      const { headers } = await fetch(main + path)
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
      expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp')
      expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin')
    }
  })

  it('caches hashed names for good and asks again for the others', async () => {
    expect((await fetch(`${main}/assets/x-abc.js`)).headers.get('cache-control')).toContain('immutable')
    const runtime = await fetch(`${main}/runtime/rondo.js`)
    expect(runtime.headers.get('cache-control')).toBe('no-cache')
    const again = await fetch(`${main}/runtime/rondo.js`, {
      headers: { 'if-none-match': runtime.headers.get('etag')! },
    })
    expect(again.status).toBe(304)
  })

  it('sends the root to the join page with its query', async () => {
    const response = await fetch(`${main}/?session=a`, { redirect: 'manual' })
    expect(response.headers.get('location')).toBe('/join/?session=a')
    expect(await (await fetch(`${main}/join/`)).text()).toContain('join')
  })

  it('answers other methods and unreadable addresses plainly', async () => {
    expect((await fetch(`${main}/join/`, { method: 'POST' })).status).toBe(405)
    expect((await fetch(`${main}/%E0%A4%A`)).status).toBe(400)
    expect((await fetch(`${main}/..%2fsecret`)).status).toBe(404)
  })
})

describe('files of a run', () => {
  it('keeps an upload where it belongs and gives it back', async () => {
    expect((await put(main, 'deep/model.safetensors', 'weights')).status).toBe(204)
    expect(readFileSync(join(folder, 'deep/model.safetensors'), 'utf8')).toBe('weights')
    const headers = { 'x-rondo-token': TOKEN }
    expect(await (await fetch(`${main}/runs/r1/files/deep/model.safetensors`, { headers })).text()).toBe('weights')
    expect((await fetch(`${main}/runs/r1/files/other`, { headers })).status).toBe(404)
  })

  it('refuses who has no token, to write and to read', async () => {
    expect((await put(main, 'x', 'y', 'wrong')).status).toBe(403)
    expect((await fetch(`${main}/runs/r1/files/deep/model.safetensors`)).status).toBe(403)
    expect((await fetch(`${main}/runs/r1/files/deep/model.safetensors?token=${TOKEN}`)).status).toBe(200)
    expect(existsSync(join(folder, 'x'))).toBe(false)
  })

  it('lists a folder, and makes one file another name of another, through an agent too', async () => {
    const headers = { 'x-rondo-token': TOKEN }
    const list = async (name: string, given: Record<string, string> = headers) =>
      fetch(`${agent}/runs/r1/files/${name}`, { headers: given })
    const link = (name: string, target: string) =>
      fetch(`${agent}/runs/r1/files/${name}`, { method: 'PUT', headers: { ...headers, 'x-rondo-link': target } })
    await put(main, 'deep/kept/a.ckpt', 'first')
    await put(main, 'deep/kept/b.ckpt', 'second')
    expect((await link('deep/kept/last.ckpt', 'deep/kept/a.ckpt')).status).toBe(204)
    expect((await link('deep/kept/last.ckpt', 'deep/kept/b.ckpt')).status).toBe(204)
    expect(readFileSync(join(folder, 'deep/kept/last.ckpt'), 'utf8')).toBe('second')
    expect(readlinkSync(join(folder, 'deep/kept/last.ckpt'))).toBe('b.ckpt')
    expect(await (await list('deep/kept/')).json()).toEqual(['a.ckpt', 'b.ckpt', 'last.ckpt'])
    expect(await (await list('nowhere/')).json()).toEqual([])
    expect((await list('')).status).toBe(200)
    expect((await list('deep/kept/', {})).status).toBe(403)
    expect((await list('..%2f')).status).toBeGreaterThanOrEqual(400)
    for (const target of ['../../secret', 'deep/kept/none.ckpt', 'deep/kept']) {
      expect((await link('deep/kept/x.ckpt', target)).status).toBe(404)
    }
    await put(main, 'deep/kept/last.ckpt', 'own')
    expect(readFileSync(join(folder, 'deep/kept/b.ckpt'), 'utf8')).toBe('second')
  })

  it.each(['..', '../secret', '..%2f..%2fsecret', 'a/../../../secret', '.hidden', 'a//b', 'a%00b', '%2e%2e/x'])(
    'keeps %s out',
    async (name) => {
      expect(await rawStatus(main, `/runs/r1/files/${name}`)).toBeGreaterThanOrEqual(400)
      expect(readFileSync(join(root, 'secret'), 'utf8')).toBe('secret')
    },
  )

  it('bounds uploads, announced or not, and leaves no half file', async () => {
    expect((await put(main, 'big', 'x'.repeat(MAX_BYTES + 1))).status).toBe(413)
    const pieces = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(600))
      },
    })
    const outcome = await put(main, 'endless', pieces).then(
      (response) => response.status,
      () => 'closed',
    )
    expect([413, 'closed']).toContain(outcome)
    expect(readdirSync(folder).sort()).toEqual(['deep'])
    expect((await put(main, 'fits', 'x'.repeat(MAX_BYTES))).status).toBe(204)
  })

  it('keeps its own files to itself', async () => {
    expect((await put(main, 'report.json', '{}')).status).toBe(409)
    expect((await put(main, 'METRICS.csv', '')).status).toBe(409)
  })

  it('reads checkpoints of the runs beside it, and nothing else of theirs', async () => {
    const beside = join(dirname(folder), 'r0', 'checkpoints')
    mkdirSync(beside, { recursive: true })
    writeFileSync(join(beside, 'last.ckpt'), 'state')
    writeFileSync(join(dirname(beside), 'report.json'), '{}')
    const status = async (name: string) =>
      (await fetch(`${main}/runs/r1/files/${name}`, { headers: { 'x-rondo-token': TOKEN } })).status
    expect(await status('runs/r0/checkpoints/last.ckpt')).toBe(200)
    expect(await status('runs/r0/report.json')).toBe(404)
    expect(await status('runs/r9/checkpoints/last.ckpt')).toBe(404)
    expect(await status('runs/r0/..%2f..%2flast.ckpt')).toBe(400)
    expect((await fetch(`${main}/runs/r1/files/runs/r0/checkpoints/last.ckpt`)).status).toBe(403)
    expect((await put(main, 'runs/r0/checkpoints/last.ckpt', 'mine')).status).toBe(204)
    expect(readFileSync(join(beside, 'last.ckpt'), 'utf8')).toBe('state')
  })

  it('knows only its own runs', async () => {
    expect((await fetch(`${main}/runs/other/script.js`)).status).toBe(404)
    expect(await (await fetch(`${main}/runs/r1/script.js`)).text()).toBe('console.log(1)')
  })
})

describe('an agent of another node', () => {
  it('passes scripts, uploads and data on to the main node', async () => {
    expect(await (await fetch(`${agent}/runs/r1/script.js`)).text()).toBe('console.log(1)')
    expect((await put(agent, 'from-agent', 'hello')).status).toBe(204)
    expect(readFileSync(join(folder, 'from-agent'), 'utf8')).toBe('hello')
    expect((await put(agent, 'x', 'y', 'wrong')).status).toBe(403)
  })

  it('says when the main node is gone', async () => {
    const alone = await listen(createPageHandler({ dist: root, source: { main: 'http://127.0.0.1:1' } }))
    const response = await fetch(`${alone}/runs/r1/script.js`)
    expect(response.status).toBe(502)
    expect(await response.text()).toContain('cannot be reached')
  })
})

describe('data', () => {
  it('serves MNIST whole and in ranges', async () => {
    const file = mnistFiles()[0]!
    const whole = readFileSync(file.path)
    const part = await fetch(`${main}/data/mnist/${file.name}`, { headers: { range: 'bytes=4-7' } })
    expect(part.status).toBe(206)
    expect(Buffer.from(await part.arrayBuffer())).toEqual(whole.subarray(4, 8))
    expect(part.headers.get('content-range')).toBe(`bytes 4-7/${whole.length}`)
    expect((await fetch(`${main}/data/mnist/${file.name}`, { method: 'HEAD' })).headers.get('content-length')).toBe(
      String(whole.length),
    )
    expect((await fetch(`${main}/data/mnist/passwd`)).status).toBe(404)
  })

  it.each([
    ['bytes=0-9', { start: 0, end: 9 }],
    ['bytes=90-', { start: 90, end: 99 }],
    ['bytes=-10', { start: 90, end: 99 }],
    ['bytes=90-500', { start: 90, end: 99 }],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-2', null],
    ['bytes=0-1,4-5', null],
    ['lines=0-1', null],
    [undefined, null],
  ])('reads the range %s', (header, range) => expect(parseRange(header, 100)).toEqual(range))
})

describe('compression', () => {
  const encodingOf = (path: string, accepts: string): Promise<[string | undefined, number]> =>
    new Promise((resolve, reject) => {
      const sent = request(main, { path, headers: { 'accept-encoding': accepts } }, (response) => {
        let bytes = 0
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.byteLength
        })
        response.on('end', () => resolve([response.headers['content-encoding'], bytes]))
      })
      sent.on('error', reject).end()
    })

  it('is for those who take it, and for files that are worth it', async () => {
    const [encoding, bytes] = await encodingOf('/assets/long-abc.js', 'gzip, br')
    expect(encoding).toBe('gzip')
    expect(bytes).toBeLessThan(LONG.length / 10)
    expect(await encodingOf('/assets/long-abc.js', 'identity')).toEqual([undefined, LONG.length])
    expect((await encodingOf('/assets/x-abc.js', 'gzip'))[0]).toBeUndefined()
    const response = await fetch(`${main}/assets/long-abc.js`)
    expect([await response.text(), response.headers.get('content-type')]).toEqual([LONG, 'text/javascript'])
    expect(response.headers.get('cache-control')).toContain('immutable')
  })
})

describe('rows at the end of a file', () => {
  const patch = (name: string, body: string, at: number | string, token = TOKEN, origin = agent) =>
    fetch(`${origin}/runs/r1/files/${name}`, {
      method: 'PATCH',
      headers: { 'x-rondo-token': token, 'x-rondo-offset': String(at) },
      body,
    })

  it('are put where they belong, and a request that is sent again changes nothing', async () => {
    await put(main, 'logs/a/metrics.csv', 'step,loss\n')
    for (let again = 0; again < 2; again++) expect((await patch('logs/a/metrics.csv', '0,1\n', 10)).status).toBe(204)
    expect((await patch('logs/a/metrics.csv', '1,2\n', 14)).status).toBe(204)
    expect(readFileSync(join(folder, 'logs/a/metrics.csv'), 'utf8')).toBe('step,loss\n0,1\n1,2\n')
  })

  it('are refused beyond the end, without an offset or token, and in files of Rondo itself', async () => {
    await put(main, 'logs/b', 'four')
    expect((await patch('logs/b', 'x', 9)).status).toBe(409)
    expect((await patch('logs/none', 'x', 3)).status).toBe(409)
    expect((await patch('logs/b', 'x', 'end')).status).toBe(400)
    expect((await patch('logs/b', 'x', 4, 'wrong')).status).toBe(403)
    expect((await patch('metrics.csv', 'x', 0)).status).toBe(409)
    expect((await patch('../b', 'x', 0)).status).toBeGreaterThanOrEqual(400)
    expect(readFileSync(join(folder, 'logs/b'), 'utf8')).toBe('four')
  })

  it('lists the names in a folder, and none where there is none', async () => {
    await put(main, 'listed/version_3/a', 'x')
    const list = async (name: string, token = TOKEN) =>
      fetch(`${agent}/runs/r1/files/${name}`, { headers: { 'x-rondo-token': token } })
    expect(await (await list('listed/')).json()).toEqual(['version_3'])
    expect(await (await list('nothing/')).json()).toEqual([])
    expect((await list('listed/', 'wrong')).status).toBe(403)
    expect((await list('.hidden/')).status).toBe(400)
  })
})

it('gives a run as one zip to who has its token', async () => {
  await put(main, 'zipped/a', 'content')
  const get = (run: string, token: string) => fetch(`${agent}/runs/${run}/archive.zip?token=${token}`)
  const answer = await get('r1', TOKEN)
  expect([answer.status, answer.headers.get('content-disposition')]).toEqual([200, 'attachment; filename="r1.zip"'])
  const bytes = Buffer.from(await answer.arrayBuffer())
  expect([bytes.readUInt32LE(0), bytes.includes('zipped/acontent')]).toEqual([0x04034b50, true])
  expect((await get('r1', 'wrong')).status).toBe(403)
  expect((await get('none', TOKEN)).status).toBe(404)
})

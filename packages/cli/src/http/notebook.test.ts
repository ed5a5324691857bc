/** What the notebook gets over HTTP: modules of the served folder and nothing else of it, its policy, the way in. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPageHandler } from './handler.ts'
import { ServedRuns } from './run-folder.ts'
import { SessionAccess } from './session-access.ts'

const CONTROL = 'the-control-token'
const JOIN = 'the-join-token'
const root = mkdtempSync(join(tmpdir(), 'rondo-notebook-'))
const folder = join(root, 'served')
let server: Server
let origin = ''

beforeAll(async () => {
  for (const path of ['lib', '.hidden', 'node_modules/dep', 'dist/runtime', 'dist/notebook']) {
    mkdirSync(join(folder, path), { recursive: true })
  }
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  write('lib/add.ts', 'export const add = (a: number, b: number): number => a + b')
  write(
    'uses.ts',
    "import { add } from './lib/add'\nimport * as tf from '@tensorflow/tfjs'\nexport const three = [add(1, 2), tf]",
  )
  write('.hidden/x.ts', 'export const x = 1')
  write('node_modules/dep/index.js', 'export const x = 1')
  write('reaches.ts', "export { secret } from '../secret'")
  write('reaches-hidden.ts', "export { x } from './.hidden/x'")
  write('notes.txt', 'not code')
  write('broken.ts', 'export const = 1')
  write('dist/runtime/notebook-kernel.js', 'export {}')
  write('dist/notebook/index.html', '<p>notebook</p>')
  writeFileSync(join(root, 'secret.ts'), 'export const secret = 1')
  symlinkSync(join(root, 'secret.ts'), join(folder, 'link.ts'))
  const access = new SessionAccess({ folder, importHosts: ['esm.sh', 'cdn.example.org'] })
  access.open({ control: CONTROL, join: JOIN })
  server = createServer(
    createPageHandler({ dist: join(folder, 'dist'), source: { runs: new ServedRuns() }, notebook: access }),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  server.close()
  rmSync(root, { recursive: true, force: true })
})

const get = (path: string, token = CONTROL) => fetch(`${origin}/modules/${path}?token=${token}`)

/** A request as it is: fetch would tidy the path up, and set the host itself. */
function raw(path: string, host = 'localhost'): Promise<{ status: number; location: string | undefined }> {
  return new Promise((resolve, reject) => {
    const sent = request(origin, { path, headers: { host } }, (response) => {
      response.resume()
      resolve({ status: response.statusCode ?? 0, location: response.headers.location })
    })
    sent.on('error', reject).end()
  })
}

describe('modules', () => {
  it('bundles a file with its neighbours and names its content', async () => {
    const response = await get('uses.ts')
    expect(response.status).toBe(200)
    const code = await response.text()
    expect(code).toContain('/runtime/tfjs.js')
    expect(code).toContain('three')
    const hash = response.headers.get('x-rondo-hash')
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
    const again = await fetch(`${origin}/modules/uses.ts?token=${CONTROL}&hash=${hash}`)
    expect(await again.text()).toBe(code)
    writeFileSync(join(folder, 'edited.ts'), 'export const v = 1')
    const before = (await get('edited.ts')).headers.get('x-rondo-hash')
    writeFileSync(join(folder, 'edited.ts'), 'export const v = 2')
    expect((await get('edited.ts')).headers.get('x-rondo-hash')).not.toBe(before)
  })

  it('gives devices that take part only what the notebook itself has imported', async () => {
    writeFileSync(join(folder, 'later.ts'), 'export const later = 1')
    expect((await get('later.ts', JOIN)).status).toBe(403)
    expect((await get('later.ts')).status).toBe(200)
    expect((await get('later.ts', JOIN)).status).toBe(200)
    for (const token of ['', 'wrong', 'the-control-toke']) expect((await get('later.ts', token)).status).toBe(403)
  })

  it.each([
    '..%2fsecret.ts',
    '%2e%2e/secret.ts',
    'lib/../../secret.ts',
    '.hidden/x.ts',
    'node_modules/dep/index.js',
    'link.ts',
    'notes.txt',
    'lib',
    'a%00b.ts',
    '',
    'none.ts',
  ])('keeps %s to itself', async (name) => {
    expect((await raw(`/modules/${name}?token=${CONTROL}`)).status).toBe(404)
  })

  it('does not bundle what lies outside either', async () => {
    for (const name of ['reaches.ts', 'reaches-hidden.ts']) {
      const response = await get(name)
      expect(response.status).toBe(422)
      expect(await response.text()).toContain('outside of what may be imported')
    }
  })

  it('says where a file is wrong', async () => {
    const response = await get('broken.ts')
    expect(response.status).toBe(422)
    expect(await response.text()).toMatch(/broken\.ts:1:\d+/)
  })
})

it('lets the kernel load scripts from the allowed hosts alone, and the page from nobody', async () => {
  const policy = async (path: string) => (await fetch(origin + path)).headers.get('content-security-policy')
  const kernel = await policy('/runtime/notebook-kernel.js')
  expect(kernel).toMatch(/script-src [^;]*https:\/\/esm\.sh https:\/\/cdn\.example\.org(;|$)/)
  const page = await policy('/notebook/')
  expect(/script-src ([^;]*)/.exec(page ?? '')?.[1]).toBe("'self' 'wasm-unsafe-eval'")
  expect(await policy('/join/')).toBeNull()
  expect(await (await fetch(`${origin}/notebook/settings.json`)).json()).toEqual({
    importHosts: ['esm.sh', 'cdn.example.org'],
  })
})

it.each([
  ['/', 'localhost:29400', '/notebook/'],
  ['/', '127.0.0.1:29400', '/notebook/'],
  ['/', '[::1]:29400', '/notebook/'],
  ['/?x=1', 'localhost', '/notebook/?x=1'],
  ['/?session=a', 'localhost:29400', '/join/?session=a'],
  ['/', '192.0.2.7:29400', '/join/'],
  ['/', 'localhost.example.org', '/join/'],
])('%s at %s leads to %s', async (path, host, location) => {
  expect(await raw(path, host)).toEqual({ status: 302, location })
})

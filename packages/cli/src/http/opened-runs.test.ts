/** Runs that a page opens: who may, what is served then, and that neither memory nor disk is a stranger's to fill. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createPageHandler } from './handler.ts'
import { ServedRuns } from './run-folder.ts'

const MAX_OPENED = 3
const FIRST = { joinToken: 'join-first', controlToken: 'control-first' }
const SECOND = { joinToken: 'join-second', controlToken: 'control-second' }
const root = mkdtempSync(join(tmpdir(), 'rondo-opened-'))
let server: Server
let origin = ''

beforeAll(async () => {
  const runs = new ServedRuns(MAX_OPENED)
  runs.add({ runId: 'script-run', folder: join(root, 'script-run'), script: '', token: FIRST.joinToken })
  for (const tokens of [FIRST, SECOND]) runs.admit({ ...tokens, runsFolder: root })
  server = createServer(createPageHandler({ dist: root, source: { runs } }))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.close()
  rmSync(root, { recursive: true, force: true })
})

const ask = async (method: string, path: string, token: string, body?: string) =>
  (await fetch(origin + path, { method, headers: { 'x-rondo-token': token }, ...(body ? { body } : {}) })).status
const open = (runId: string, token: string) => ask('POST', `/runs/${runId}`, token)

it('opens a run for who has a control token, and for nobody else', async () => {
  expect(await open('mine', 'wrong')).toBe(403)
  expect(await open('mine', FIRST.joinToken)).toBe(403)
  expect(await ask('PUT', '/runs/mine/files/a.bin', FIRST.joinToken, 'x')).toBe(404)
  expect(await open('mine', FIRST.controlToken)).toBe(201)
  expect(await open('mine', FIRST.controlToken)).toBe(200)
  expect(await open('mine', SECOND.controlToken)).toBe(409)
  expect(await open('script-run', FIRST.controlToken)).toBe(409)
  expect(await open('a.b', FIRST.controlToken)).toBe(400)
  expect(await ask('POST', '/runs/mine/files/a', FIRST.controlToken)).toBe(405)
})

it('serves its files to members of that session only, and has no script', async () => {
  await open('files', FIRST.controlToken)
  expect(await ask('PUT', '/runs/files/files/jobs/1.bin', SECOND.joinToken, 'x')).toBe(403)
  expect(await ask('PUT', '/runs/files/files/jobs/1.bin', FIRST.joinToken, 'x')).toBe(204)
  expect(await ask('GET', '/runs/files/files/jobs/1.bin', FIRST.joinToken)).toBe(200)
  expect(await ask('PUT', '/runs/files/files/report.json', FIRST.joinToken, '{}')).toBe(409)
  expect(await ask('GET', '/runs/files/script.js', FIRST.joinToken)).toBe(404)
})

it('removes files for the controller alone, and the folders that this leaves empty', async () => {
  await open('brief', FIRST.controlToken)
  await ask('PUT', '/runs/brief/files/jobs/1.bin', FIRST.joinToken, 'x')
  writeFileSync(join(root, 'kept'), 'kept')
  expect(await ask('DELETE', '/runs/brief/files/jobs/1.bin', FIRST.joinToken)).toBe(403)
  expect(await ask('DELETE', '/runs/brief/files/jobs/1.bin', SECOND.controlToken)).toBe(403)
  expect(await ask('DELETE', '/runs/brief/files/%2e%2e/kept', FIRST.controlToken)).toBeGreaterThanOrEqual(400)
  expect(existsSync(join(root, 'kept'))).toBe(true)
  expect(await ask('DELETE', '/runs/brief/files/jobs/1.bin', FIRST.controlToken)).toBe(204)
  expect(existsSync(join(root, 'brief'))).toBe(false)
  expect(await ask('DELETE', '/runs/script-run/files/a', FIRST.controlToken)).toBe(403)
  await open('brief', FIRST.controlToken)
  await ask('PUT', '/runs/brief/files/checkpoints/epoch=1.ckpt', FIRST.joinToken, 'x')
  expect(await ask('DELETE', '/runs/brief/files/checkpoints/epoch=1.ckpt', SECOND.joinToken)).toBe(403)
  expect(await ask('DELETE', '/runs/brief/files/checkpoints/epoch=1.ckpt', FIRST.joinToken)).toBe(204)
})

it('forgets the oldest opened run beyond the bound, never the runs of scripts', async () => {
  for (let i = 0; i < MAX_OPENED; i++) expect(await open(`later-${i}`, SECOND.controlToken)).toBe(201)
  expect(await ask('GET', '/runs/mine/files/none', FIRST.joinToken)).toBe(404)
  expect(await open('mine', SECOND.controlToken)).toBe(201)
  expect(await ask('GET', '/runs/script-run/script.js', '')).toBe(200)
})

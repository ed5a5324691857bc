/**
 * The newcomer's way: a fresh clone without node_modules, and the README's first two commands as they stand there.
 * It trains on the real MNIST. The third, `npm test`, is what runs this.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import type { RunReport } from '@rondo/protocol'
import { freePort, ROOT } from './support/rondo.ts'

/** Installing and two minutes of training on two plain cores, with room for a busy machine. */
const LIMIT_MS = 600_000

let clone: string

test.beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), 'rondo-clone-'))
  execFileSync('git', ['clone', '--quiet', '--no-hardlinks', ROOT, clone])
  rmSync(join(clone, 'node_modules'), { recursive: true, force: true })
})

test.afterAll(() => rmSync(clone, { recursive: true, force: true }))

/** Runs npm in the clone; resolves with its exit code and output, or kills it when `until` appears. */
function npm(args: string[], until?: RegExp): Promise<{ code: number | null; output: string }> {
  return new Promise((done) => {
    // A process group of its own, because a terminal's Ctrl-C reaches npm and what npm started alike.
    const child = spawn('npm', args, {
      cwd: clone,
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    let interrupted = false
    let output = ''
    const take = (piece: Buffer): void => {
      output += piece.toString('utf8')
      if (interrupted || !until?.test(output)) return
      interrupted = true
      process.kill(-(child.pid ?? 0), 'SIGINT')
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('close', (code) => done({ code, output }))
  })
}

test('npm run train is the first command on a fresh clone, and reaches 0.97 on MNIST', async () => {
  test.setTimeout(LIMIT_MS)
  const { code, output } = await npm(['run', 'train', '--', '--main-port', String(await freePort())])
  expect(code, output).toBe(0)
  const [run] = readdirSync(join(clone, 'runs'))
  const folder = join(clone, 'runs', String(run))
  expect(readdirSync(folder).sort()).toEqual(
    expect.arrayContaining(['metrics.csv', 'model.safetensors', 'report.json']),
  )
  const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as RunReport
  expect(report).toMatchObject({ status: 'done', worldSize: 2, strategy: 'ddp', processGroupBackend: 'webrtc' })
  expect(report.metrics['test_accuracy']).toBeGreaterThanOrEqual(0.97)
  expect(new Set(report.ranks.map(({ weightsHash }) => weightsHash)).size).toBe(1)
  expect(report.links.every(({ carrier }) => carrier === 'webrtc')).toBe(true)
  expect(statSync(join(folder, 'model.safetensors')).size).toBeGreaterThan(4 * 20_000)
  for (const piece of [
    'GLOBAL_RANK: 0, MEMBER: 1/2',
    'world size',
    'effective batch',
    'test accuracy 0.9',
    'report.json',
  ]) {
    expect(output).toContain(piece)
  }
})

test('npm start prints where to join', async () => {
  test.setTimeout(LIMIT_MS)
  const ready = /Nobody is here yet/
  const { output } = await npm(['start', '--', '--main-port', String(await freePort())], ready)
  expect(output).toMatch(/http:\/\/localhost:\d+\/join\/\?session=\S+#token=\S+/)
  expect(output).toMatch(ready)
})

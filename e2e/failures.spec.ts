/** Bad input and bad luck, as a person meets them at the terminal: one clear sentence, the right exit code, nothing left behind. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { freePort, rondoRun, startRondo } from './support/rondo.ts'

/** Processes whose command line holds `text`. */
function processesWith(text: string): string[] {
  const listing = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' })
  return listing.split('\n').filter((line) => line.includes(text) && !line.includes('ps -eo'))
}

const USAGE = [
  { args: ['no-such-script.ts'], says: /no-such-script\.ts/ },
  { args: ['--strategy=ring', 'e2e/scripts/hello.ts'], says: /ring.*ddp/s },
  { args: ['--accelerator=quantum', 'e2e/scripts/hello.ts'], says: /quantum.*webgpu.*wasm/s },
  { args: ['--accelerator=tpu', 'e2e/scripts/hello.ts'], says: /TPU.*webgpu.*wasm/s },
  { args: ['--devices=0', 'e2e/scripts/hello.ts'], says: /0.*at least one device/s },
  { args: ['--devices=-2', 'e2e/scripts/hello.ts'], says: /-2/ },
  { args: ['--devices=many', 'e2e/scripts/hello.ts'], says: /many.*not a number/s },
  { args: ['--process-group-backend=pigeon', 'e2e/scripts/hello.ts'], says: /pigeon.*webrtc/s },
  { args: ['--node-rank=3', '--num-nodes=2', 'e2e/scripts/hello.ts'], says: /3.*0.*1/s },
  { args: ['--no-such-flag', 'e2e/scripts/hello.ts'], says: /no-such-flag.*after the script/is },
]

for (const { args, says } of USAGE) {
  test(`refuses ${args.join(' ')}`, async () => {
    const { code, output } = await rondoRun(args, { limitMs: 30_000 })
    expect(code, output).toBe(2)
    expect(output).toMatch(says)
    expect(output).not.toMatch(/\n\s+at /)
  })
}

test('a rank that throws ends the run: its stack, its rank, its exit code, a report', async () => {
  const { code, output, report } = await rondoRun([
    '--devices=3',
    'e2e/scripts/tiny.ts',
    '--steps',
    '500',
    '--throw-at',
    '3',
    '--throw-in',
    '1',
  ])
  expect(code, output).toBe(1)
  expect(output).toContain('on purpose at step 3')
  expect(output).toMatch(/rank 1/)
  expect(output).toMatch(/tiny\.ts:\d+/)
  expect(report).toMatchObject({ status: 'failed', error: { rank: 1 } })
  expect(report?.error?.message).toContain('on purpose at step 3')
})

test("a rank's exit code becomes the command's", async () => {
  const { code, output } = await rondoRun(['--devices=2', 'e2e/scripts/exit-code.ts', '7'])
  expect(code, output).toBe(7)
})

test('ranks that call different collectives are told apart at once, both with their operation', async () => {
  const { code, output, report } = await rondoRun(['--devices=3', 'e2e/scripts/mismatch.ts'])
  expect(code, output).toBe(1)
  expect(report?.error?.code).toBe('COLLECTIVE_MISMATCH')
  for (const part of ['apples', 'pears', 'rank 1']) expect(report?.error?.message).toContain(part)
  expect(report?.error?.message).toMatch(/rank [02]/)
})

test('a script that does not parse is refused with file, line and column', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-broken-'))
  try {
    writeFileSync(join(folder, 'broken.ts'), 'export default function main() {\n  return 1 +\n}\n')
    const { code, output } = await rondoRun([join(folder, 'broken.ts')])
    expect(code, output).toBe(1)
    expect(output).toMatch(/broken\.ts:3:\d+/)
    writeFileSync(join(folder, 'notes.txt'), 'not a script')
    const text = await rondoRun([join(folder, 'notes.txt')])
    expect(text.code, text.output).toBe(2)
    expect(text.output).toMatch(/notes\.txt.*\.ts/s)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a port that somebody else has is named, with the way out', async () => {
  const port = await freePort()
  const { createServer } = await import('node:http')
  const stranger = createServer((_, response) => response.end('mine'))
  await new Promise<void>((done) => stranger.listen(port, done))
  try {
    const running = startRondo(['serve', `--main-port=${port}`])
    const { code, output } = await running.finished
    expect(code).toBe(1)
    expect(output).toContain(String(port))
    expect(output).toContain('--main-port')
  } finally {
    stranger.close()
  }
})

test('a second server on the port of a Rondo offers to join the first', async () => {
  const port = await freePort()
  const first = startRondo(['serve', `--main-port=${port}`])
  try {
    await first.waitFor(/http:\/\/localhost:\d+\S+/)
    const { code, output } = await startRondo(['serve', `--main-port=${port}`]).finished
    expect(code).toBe(1)
    expect(output).toMatch(/Rondo.*(join|http)/s)
  } finally {
    first.process.kill('SIGINT')
    await first.finished
  }
})

test('Ctrl-C ends ranks, tabs, browser and server, and the report says stopped', async () => {
  const port = await freePort()
  const running = startRondo([
    'run',
    `--main-port=${port}`,
    '--devices=2',
    'e2e/scripts/tiny.ts',
    '--steps',
    '100000',
    '--pace',
    '20',
  ])
  await running.waitFor(/epoch 1/)
  running.process.kill('SIGINT')
  const { code, output } = await running.finished
  expect(code, output).toBe(1)
  expect(processesWith(`main-port=${port}`)).toEqual([])
  expect(processesWith('--user-data-dir').filter((line) => line.includes(`:${port}`))).toEqual([])
})

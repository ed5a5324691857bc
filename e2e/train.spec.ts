/** Tabs train together over real data channels and agree on every byte, for several world sizes and carriers. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import type { RunReport } from '@rondo/protocol'
import { ROOT, rondoRun } from './support/rondo.ts'

interface TinyResult {
  loss: number
  tensors: [number, number]
  accelerator: string
}

/** What must hold for every good run, whatever its size. */
function expectAgreement(report: RunReport | null, worldSize: number): RunReport {
  if (!report) throw new Error('no report was written')
  expect(report.status).toBe('done')
  expect(report.worldSize).toBe(worldSize)
  expect(report.ranks.map(({ rank }) => rank)).toEqual(Array.from({ length: worldSize }, (_, rank) => rank))
  const hashes = new Set(report.ranks.map(({ weightsHash }) => weightsHash))
  expect(hashes.size).toBe(1)
  expect([...hashes][0]).toMatch(/^[0-9a-f]{64}$/)
  for (const { steps, samples, result, msPerStep } of report.ranks) {
    const { loss, tensors } = result as TinyResult
    expect(steps).toBe(20)
    expect(samples).toBeGreaterThan(150)
    expect(loss).toBeLessThan(0.69)
    expect(tensors[1]).toBe(tensors[0])
    expect(msPerStep.total).toBeGreaterThan(0)
  }
  return report
}

for (const worldSize of [2, 3, 4]) {
  test(`${worldSize} tabs train over WebRTC and hold the same weights`, async () => {
    const { code, output, report } = await rondoRun([
      'e2e/scripts/tiny.ts',
      `--devices=${worldSize}`,
      '--process-group-backend=webrtc',
    ])
    expect(code, output).toBe(0)
    const { links, ranks } = expectAgreement(report, worldSize)
    expect(links.length).toBe(worldSize * (worldSize - 1))
    for (const { carrier, bytesSent } of links) {
      expect(carrier).toBe('webrtc')
      expect(bytesSent).toBeGreaterThan(0)
    }
    const sent = ranks.reduce((sum, { bytesSent }) => sum + bytesSent, 0)
    const received = ranks.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0)
    expect(sent).toBeGreaterThan(0)
    expect(received).toBeGreaterThan(0)
    for (let rank = 0; rank < worldSize; rank++) {
      expect(output).toContain(`GLOBAL_RANK: ${rank}, MEMBER: ${rank + 1}/${worldSize}`)
    }
    expect(output).toContain('distributed_backend=webrtc')
  })
}

test('two tabs of one browser take the port carrier by themselves, in half precision when asked', async () => {
  const { code, output, report } = await rondoRun(['e2e/scripts/tiny.ts', '--devices=2', '--precision=bf16-mixed'])
  expect(code, output).toBe(0)
  const { links, precision, codec } = expectAgreement(report, 2)
  expect(links.map(({ carrier }) => carrier)).toEqual(['port', 'port'])
  expect({ precision, codec }).toEqual({ precision: 'bf16-mixed', codec: 'bf16' })
  expect(output).toMatch(/precision +bf16-mixed: weights f32 master, .*wire bf16, loss scaler off, shader-f16 no/)
})

test('the relay of last resort carries a run when it is asked for', async () => {
  const { code, output, report } = await rondoRun([
    'e2e/scripts/tiny.ts',
    '--devices=2',
    '--process-group-backend',
    'relay',
  ])
  expect(code, output).toBe(0)
  expect(expectAgreement(report, 2).links[0]?.carrier).toBe('relay')
})

test('one rank needs no network at all', async () => {
  const { code, output, report } = await rondoRun(['e2e/scripts/tiny.ts'])
  expect(code, output).toBe(0)
  expect(expectAgreement(report, 1).ranks[0]?.bytesSent).toBe(0)
})

test('a script gets its arguments and may do everything at its top level', async () => {
  const { code, output } = await rondoRun(['e2e/scripts/hello.ts', '--devices=2', 'a', '--lr', '0.1'])
  expect(code, output).toBe(0)
  expect(output).toContain('[rank 1] hello from rank 1 of 2, arguments ["a","--lr","0.1"]')
  expect(output).toContain('sum 3, broadcast from 1 with 1 entry')
})

test("the README's script runs as it stands there", async () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const script = readme.match(/## A script\n+```ts\n([\s\S]*?)```/)?.[1]
  expect(script).toBeDefined()
  const folder = mkdtempSync(join(tmpdir(), 'rondo-readme-'))
  try {
    writeFileSync(join(folder, 'script.ts'), String(script))
    const { code, output, report } = await rondoRun(['--devices=2', join(folder, 'script.ts')])
    expect(code, output).toBe(0)
    expect(report?.ranks.map(({ samples }) => samples)).toEqual([30_000, 30_000])
    expect(new Set(report?.ranks.map(({ weightsHash }) => weightsHash)).size).toBe(1)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('devices asked for in code are opened, and a flag that says otherwise is a conflict', async () => {
  const opened = await rondoRun(['e2e/scripts/four-devices.ts'])
  expect(opened.code, opened.output).toBe(0)
  expect(opened.output).toContain('world 4, sum 4')
  expect(opened.report).toMatchObject({ status: 'done', worldSize: 4 })
  const refused = await rondoRun(['--devices=2', 'e2e/scripts/four-devices.ts'])
  expect(refused.code, refused.output).toBe(1)
  expect(refused.report?.error).toMatchObject({ code: 'CONFLICT' })
})

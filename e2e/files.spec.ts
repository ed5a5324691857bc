/**
 * Checkpoints and loggers in real tabs: every place that a path may name, a sharded folder joined on the command line,
 * rows that are all there after a script fails, and values on a tracking server of another origin.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { ROOT, rondoRun, startRondo } from './support/rondo.ts'

/** Answers what an MLflow server answers, to any origin; keeps the metrics that it got. */
async function trackingServer() {
  const metrics: Array<{ key: string; step: number }> = []
  const ends: string[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const part of request) text += String(part)
    const body = text === '' ? {} : (JSON.parse(text) as { metrics?: typeof metrics; status?: string })
    metrics.push(...(body.metrics ?? []))
    if (body.status !== undefined) ends.push(String(body.status))
    const allowed = { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' }
    response.writeHead(200, { 'content-type': 'application/json', ...allowed })
    response.end(JSON.stringify({ experiment: { experiment_id: '1' }, run: { info: { run_id: 'r' } } }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { metrics, ends, server, uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

test('two tabs save to every place, load from it, and lose no row when the script fails', async () => {
  const { metrics, ends, server, uri } = await trackingServer()
  const name = `e2e-${process.pid}.ckpt`
  const download = join(ROOT, 'runs/downloads', name)
  const { output, report } = await rondoRun(['e2e/scripts/files.ts', '--devices=2', '--accelerator=cpu', uri, name])
  const folder = join(ROOT, 'runs', String(report?.run))
  try {
    expect(report?.status, output).toBe('failed')
    expect(output).toContain('came back: 1 2 3 4 equal')
    expect(output).toContain('failed on purpose')
    const read = (path: string): string => readFileSync(join(folder, path), 'utf8')
    expect(read('lightning_logs/version_0/metrics.csv').trim().split('\n')).toEqual([
      'step,loss,late',
      ...Array.from({ length: 23 }, (_, i) => (i < 20 ? `${i},${i},` : `${i},${i},1`)),
    ])
    expect(readdirSync(join(folder, 'lightning_logs/version_1')).join()).toMatch(/events\.out\.tfevents\.\d+\./)
    expect(metrics.filter(({ key }) => key === 'loss')).toHaveLength(23)
    expect(ends).toEqual(['FAILED'])
    expect(existsSync(download)).toBe(true)
    const joined = await startRondo(['consolidate', join(folder, 'shards.ckpt')]).finished
    expect([joined.code, existsSync(join(folder, 'shards.ckpt.consolidated'))]).toEqual([0, true])
  } finally {
    server.close()
    rmSync(folder, { recursive: true, force: true })
    rmSync(download, { force: true })
  }
})

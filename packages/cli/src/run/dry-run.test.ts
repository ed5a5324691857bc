/** What `--dry-run` tells, and that it starts nothing: a port it names is still free, a browser may be missing. */
import { createServer } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { parseRun } from '../args/run-options.ts'
import { dryRunLines } from './dry-run.ts'
import { portToUse, startServer } from './start-server.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

async function told(line: string, isMain = true): Promise<string> {
  const parsed = parseRun(line.split(' '), process.env)
  if (parsed.asks !== null) throw new Error('help was not asked for')
  const lines = await dryRunLines({ options: parsed.options, script: '/lab/train.ts', command: 'rondo run', isMain })
  return lines.join('\n').replace(/ {2,}/g, '  ')
}

/** A port that nobody has. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('a dry run', () => {
  it('tells server, session, nodes, ranks, settings, script, arguments and browser', async () => {
    const port = await freePort()
    const text = await told(
      `--main-port ${port} --session lab --devices 2 --strategy ddp --precision 32 --process-group-backend webrtc train.ts --lr 0.1`,
    )
    for (const part of [
      `server  http://localhost:${port}, started on this machine`,
      'session  lab',
      'nodes  1; this one is node 0',
      'ranks  2 = 2 × 1',
      'strategy  ddp',
      'precision  32',
      'link backend  webrtc',
      'script  /lab/train.ts',
      'arguments  --lr 0.1',
      'has started nothing',
    ]) {
      expect(text).toContain(part)
    }
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    server.close()
  })

  it('gives the environment of every rank, of all nodes', async () => {
    vi.stubEnv('PL_GLOBAL_SEED', '7')
    const text = await told('--num-nodes 2 --node-rank 1 --devices 2 --main-address 192.0.2.10 train.ts', false)
    expect(text).toContain('server  http://192.0.2.10:29400, dialled until --timeout (600 s)')
    expect(text).toContain('nodes  2; this one is node 1')
    expect(text).toMatch(/every rank.*PL_GLOBAL_SEED=7.*MASTER_ADDR=192\.0\.2\.10.*LT_DEVICES=2.*WORLD_SIZE=4/)
    expect(text).toContain('rank 3  RANK=3 LOCAL_RANK=1 NODE_RANK=1 GROUP_RANK=1 ROLE_RANK=3')
  })

  it('works without a browser, and says what would be missing', async () => {
    const port = await freePort()
    const text = await told(`--main-port ${port} --browser /no/such/browser train.ts`)
    expect(text).toContain('browser  none here: --browser is /no/such/browser')
  })

  it('refuses a port as the run itself would', async () => {
    const held = await startServer({
      host: '127.0.0.1',
      port: 0,
      mayMove: false,
      requestHandler: (_, response) => response.end(),
      say: () => undefined,
    })
    try {
      await expect(told(`--main-port ${held.port} train.ts`)).rejects.toMatchObject({ code: 'PORT_IN_USE' })
      expect(await portToUse(held.port, true)).toBeGreaterThan(held.port)
    } finally {
      await held.close()
    }
  })
})

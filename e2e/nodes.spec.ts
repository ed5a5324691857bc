/** Two agents make one run, as on two machines: ranks by node, bundles from the main node, one verdict for both terminals. */
import { readFileSync } from 'node:fs'
import { expect, test } from '@playwright/test'
import { freePort, rondoRun, startRondo } from './support/rondo.ts'

/** Starts node `rank` of two with `devices` tabs each. */
const nodeArguments = (port: number, rank: number, ...more: string[]): string[] => [
  'run',
  '--num-nodes=2',
  `--node-rank=${rank}`,
  '--main-address=127.0.0.1',
  `--main-port=${port}`,
  ...more,
]

test('two nodes with one and two devices train three ranks, numbered by node', async () => {
  const port = await freePort()
  const second = startRondo(nodeArguments(port, 1, '--devices=2', 'e2e/scripts/tiny.ts'))
  const first = startRondo(
    nodeArguments(port, 0, '--devices=1', '--process-group-backend=webrtc', 'e2e/scripts/tiny.ts'),
  )
  const [main, agent] = await Promise.all([first.finished, second.finished])
  expect(main.code, main.output).toBe(0)
  expect(agent.code, agent.output).toBe(0)
  for (const { output } of [main, agent]) expect(output).toContain('GLOBAL_RANK: 2, MEMBER: 3/3')
  expect(main.output).toContain('3 ranks on 2 nodes')
})

test('a second machine that claims a taken node rank is refused, and told by whom it is held', async () => {
  const port = await freePort()
  const first = startRondo(nodeArguments(port, 0, '--timeout=30', 'e2e/scripts/hello.ts'))
  try {
    await first.waitFor(/Waiting for ranks/)
    const member = startRondo(nodeArguments(port, 1, '--timeout=30', 'e2e/scripts/tiny.ts'))
    const mismatch = await member.finished
    expect(mismatch.code, mismatch.output).toBe(2)
    expect(mismatch.output).toMatch(/script/i)
    const rival = await startRondo(nodeArguments(port, 0, '--timeout=30', 'e2e/scripts/hello.ts')).finished
    expect(rival.code, rival.output).toBe(2)
    expect(rival.output).toMatch(/--node-rank 0 is taken by the agent on .* since/)
    expect(rival.output).toContain(String(port))
  } finally {
    first.process.kill('SIGINT')
    await first.finished
  }
})

test('a run whose second node never comes ends at its deadline and names who is missing', async () => {
  const { code, output, report } = await rondoRun([
    '--num-nodes=2',
    '--node-rank=0',
    '--timeout=8',
    'e2e/scripts/hello.ts',
  ])
  expect(code, output).toBe(1)
  expect(report?.error?.code).toBe('TIMEOUT')
  expect(report?.error?.message).toMatch(/rank 1.*node 1/)
})

test('WebRTC keeps to the ports of --udp-port-range', async () => {
  test.skip(process.platform !== 'linux', 'only Linux tells of its sockets in a file')
  const range = '46000:46099'
  const running = startRondo([
    'run',
    `--main-port=${await freePort()}`,
    '--devices=2',
    '--process-group-backend=webrtc',
    `--udp-port-range=${range}`,
    'e2e/scripts/tiny.ts',
    '--steps',
    '100000',
    '--pace',
    '20',
  ])
  await running.waitFor(/epoch 1/)
  const ports = udpPorts()
  running.process.kill('SIGINT')
  const { output } = await running.finished
  expect(output).toContain('0–1 webrtc')
  const ours = ports.filter((port) => port >= 46_000 && port <= 46_099)
  expect(ours.length, output).toBeGreaterThan(1)
})

/** Ports of all UDP sockets over IPv4. */
function udpPorts(): number[] {
  return readFileSync('/proc/net/udp', 'utf8')
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, port] = /^\s*\d+: [0-9A-F]{8}:([0-9A-F]{4}) /.exec(line) ?? []
      return port ? [Number.parseInt(port, 16)] : []
    })
}

test('rondo exec opens one page, and its launch() the others: what ran before went on, and all meet', async () => {
  const port = await freePort()
  const { code, output } = await startRondo([
    'exec',
    `--main-port=${port}`,
    '--timeout=60',
    'e2e/scripts/exec.ts',
    '--lr',
    '0.1',
  ]).finished
  expect(code, output).toBe(0)
  expect(output).toContain('[rank 0] before launch: world 1, arguments --lr 0.1')
  expect(output.match(/\[rank 0\] before launch/g)).toHaveLength(1)
  expect(output).toContain('[rank 1] before launch: world 2, arguments --lr 0.1')
  for (const rank of [0, 1]) {
    expect(output).toContain(`[rank ${rank}] after launch: rank ${rank} of 2, sum 3, by rondo run: no`)
  }
  expect(output).toContain('GLOBAL_RANK: 1, MEMBER: 2/2')
  expect(output).not.toContain('MEMBER: 1/1')
})

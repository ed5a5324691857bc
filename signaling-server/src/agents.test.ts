import { SignalingClient } from '@rondo/transport'
import { describe, expect, it, onTestFinished } from 'vitest'
import { newSessionTokens } from './index.ts'
import { configOf, helloOf, joinOf, next, startLab, startServer, until } from './testing/fixtures.ts'

const beta = { id: 'beta', label: 'Beta', host: 'beta.local' }
const gamma = { id: 'gamma', label: 'Gamma', host: 'gamma.local' }

/** A lab whose main agent has said hello with the control token. */
async function startCluster(numNodes = 2) {
  const lab = await startLab()
  const main = await lab.connect('agent', lab.controlToken)
  await main.request('agent:hello', helloOf({}, { numNodes }))
  return { lab, main }
}

describe('agents', () => {
  it('make a session that does not exist, control it, and meet there', async () => {
    const server = await startServer()
    const agent = async () => {
      const client = new SignalingClient({ url: server.url, session: 'fresh', role: 'agent' })
      onTestFinished(() => client.close())
      await client.connect()
      return client
    }
    const first = await agent()
    const welcome = await first.request('agent:hello', helloOf())
    expect(welcome).toMatchObject({ nodeRank: 0, controlToken: expect.any(String) })
    const second = await agent()
    const met = await second.request('agent:hello', helloOf(beta))
    expect(met).toMatchObject({ nodeRank: 1, controlToken: null, joinToken: welcome.joinToken })
    const { agents, controlled } = await until(first, (s) => s.agents.length === 2)
    expect(agents.map((entry) => [entry.nodeRank, entry.host])).toEqual([
      [0, 'alpha.local'],
      [1, 'beta.local'],
    ])
    expect(controlled).toBe(true)
    await first.request('run:open', { config: configOf(), nodes: [1, 1] })
    await expect(second.request('run:open', { config: configOf(), nodes: [1, 1] })).rejects.toMatchObject({
      code: 'BAD_TOKEN',
    })
  })

  it('make one session when they come at the same moment, and both meet there', async () => {
    const server = await startServer()
    const come = async (node: Parameters<typeof helloOf>[0]) => {
      const client = new SignalingClient({ url: server.url, session: 'fresh', role: 'agent' })
      onTestFinished(() => client.close())
      await client.connect()
      return () => client.request('agent:hello', helloOf(node))
    }
    const hellos = await Promise.all([come({}), come(beta)])
    const [first, second] = await Promise.all(hellos.map((hello) => hello()))
    expect([first?.nodeRank, second?.nodeRank].sort()).toEqual([0, 1])
    expect([first?.controlToken, second?.controlToken].filter((token) => token !== null)).toHaveLength(1)
  })

  it('find a session that its server was started with, however early they come', async () => {
    const tokens = newSessionTokens()
    const server = await startServer({ sessions: [{ name: 'lab', offer: null, tokens }] })
    const agent = new SignalingClient({ url: server.url, session: 'lab', role: 'agent' })
    onTestFinished(() => agent.close())
    await agent.connect()
    // Nothing is planned yet, so it has to knock again; but it does not make a session of its own.
    await expect(agent.request('agent:hello', helloOf(beta))).rejects.toMatchObject({ code: 'UNKNOWN_SESSION' })
    const main = new SignalingClient({
      url: server.url,
      session: 'lab',
      role: 'agent',
      token: tokens.controlToken,
    })
    onTestFinished(() => main.close())
    await main.connect()
    expect(await main.request('agent:hello', helloOf())).toMatchObject({ nodeRank: 0 })
    expect(await agent.request('agent:hello', helloOf(beta))).toMatchObject({ nodeRank: 1, controlToken: null })
  })

  it('come in without token only with the script that is planned for several nodes', async () => {
    const { lab } = await startCluster()
    const stranger = await lab.connect('agent')
    const other = helloOf(beta, { scriptHash: 'b'.repeat(64) })
    const refused = stranger.request('agent:hello', other)
    await expect(refused).rejects.toMatchObject({ code: 'PLAN_MISMATCH' })
    await expect(refused).rejects.not.toThrow('a'.repeat(9))
    await expect(stranger.request('join', joinOf('x'))).rejects.toMatchObject({ code: 'BAD_TOKEN' })
    await stranger.request('agent:hello', helloOf(beta))
    expect(stranger.snapshot?.agents).toHaveLength(2)
  })

  it('do not come in without token where one node runs alone, nothing is planned, or tokens are required', async () => {
    const { lab } = await startCluster(1)
    const alone = await lab.connect('agent')
    await expect(alone.request('agent:hello', helloOf(beta, { numNodes: 1 }))).rejects.toMatchObject({
      code: 'BAD_TOKEN',
    })
    const idle = await startLab()
    const early = await idle.connect('agent')
    await expect(early.request('agent:hello', helloOf())).rejects.toMatchObject({ code: 'UNKNOWN_SESSION' })
    const strict = await startLab({ requireToken: true })
    await expect(strict.connect('agent')).rejects.toMatchObject({ code: 'BAD_TOKEN' })
    await expect(strict.connect('agent', strict.joinToken)).resolves.toBeDefined()
  })

  it.each([
    ['numNodes', 3, '2 on alpha.local'],
    ['strategy', 'fsdp', 'unset on alpha.local'],
    ['precision', '16-mixed', 'unset on alpha.local'],
  ] as const)('have to agree on %s', async (field, value, theirs) => {
    const { lab } = await startCluster()
    const agent = await lab.connect('agent', lab.joinToken)
    const refused = agent.request('agent:hello', helloOf(beta, { [field]: value }))
    await expect(refused).rejects.toMatchObject({ code: 'PLAN_MISMATCH', details: { field } })
    await expect(refused).rejects.toThrow(`${value} on beta.local`)
    await expect(refused).rejects.toThrow(theirs)
  })

  it('cannot have a node rank that is taken or out of range', async () => {
    const { lab, main } = await startCluster()
    await main.request('agent:hello', helloOf({ rank: 1 }))
    const agent = await lab.connect('agent', lab.joinToken)
    const taken = agent.request('agent:hello', helloOf({ ...beta, rank: 1 }))
    await expect(taken).rejects.toMatchObject({ code: 'NODE_RANK_TAKEN', details: { host: 'alpha.local' } })
    await expect(agent.request('agent:hello', helloOf({ ...beta, rank: 2 }))).rejects.toThrow('outside 0..1')
    expect(await agent.request('agent:hello', helloOf(beta))).toMatchObject({ nodeRank: 0 })
    const third = await lab.connect('agent', lab.joinToken)
    await expect(third.request('agent:hello', helloOf(gamma))).rejects.toMatchObject({ code: 'SESSION_FULL' })
  })

  it('take their place back after leaving, and are remembered by a start timeout', async () => {
    const { lab, main } = await startCluster()
    const agent = await lab.connect('agent', lab.joinToken)
    await agent.request('agent:hello', helloOf(beta))
    await lab.page('a0', { firstLocalRank: 0 })
    agent.close()
    await until(main, (s) => s.agents.length === 1)
    await main.request('run:open', { config: configOf({ startTimeoutSeconds: 1 }), nodes: [1, 1] })
    const { run } = await until(main, (s) => s.run?.status === 'failed')
    expect(run?.error?.message).toMatch(
      /rank 1 \(node 1, local rank 0; agent Beta on beta\.local last seen \d+\.\d s ago\)/,
    )
    const again = await lab.connect('agent', lab.joinToken)
    expect(await again.request('agent:hello', helloOf(beta))).toMatchObject({ nodeRank: 1 })
  })

  it('have as many seats as they bring devices, by the local ranks that they gave them, whatever comes first', async () => {
    const { lab, main } = await startCluster()
    const agent = await lab.connect('agent', lab.joinToken)
    await main.request('run:open', { config: configOf({ numNodes: 2 }), nodes: [1, 1] })
    await agent.request('agent:hello', helloOf(beta, { devices: 2 }))
    const node = { id: 'beta', label: 'Beta' }
    await lab.page('b1', { node, firstLocalRank: 1 })
    const b0 = await lab.page('b0', { node, firstLocalRank: 0 })
    const started = next(b0, 'run:start')
    await lab.page('a0', { firstLocalRank: 0 })
    const { seats, yours } = await started
    expect(seats.map((seat) => seat.pageId)).toEqual(['a0', 'b0', 'b1'])
    expect(yours).toEqual([1])
  })

  it('lose their connection when they do not say hello', async () => {
    const lab = await startLab({ limits: { helloTimeoutMs: 50 } })
    const agent = await lab.connect('agent')
    const reason = await new Promise((resolve) => agent.onConnection((_, why) => resolve(why)))
    expect(reason).toContain('io server disconnect')
  })
})

/**
 * `bench server`: one signaling server process, first with one large session, then with thousands of members in small
 * ones that heartbeat and talk; real socket.io clients over loopback. Not for: what each process does.
 */
import { Cleanup } from '../../packages/cli/src/process/cleanup.ts'
import { listenForInterrupts } from '../../packages/cli/src/process/interrupt.ts'
import { formatNumber, median, percentile } from '../figures.ts'
import { JsonReport } from '../json-report.ts'
import { parseServerPlan, type ServerPlan } from './arguments.ts'
import {
  type Entry,
  type FromClients,
  type FromServer,
  type ServerSample,
  sharedNow,
  type ToClients,
  type ToServer,
} from './messages.ts'
import { Helper } from './processes.ts'

/** Milliseconds between two messages of a member, as between its heartbeats. */
const EVERY_MS = 5_000
/** What is wanted: the 99th percentile of a message's way, and the server's CPU time for one large session. */
const WANTED_P99_MS = 50
const WANTED_FORM_MS = 2_000
/** Milliseconds for a process to start, and for members to gather; per member, on a slow machine. */
const START_MS = 30_000
const GATHER_MS = 30_000
const GATHER_MS_PER_MEMBER = 20

type ServerProcess = Helper<ToServer, FromServer>
type ClientProcess = Helper<ToClients, FromClients>

interface Lab {
  server: ServerProcess
  url: string
  clients: ClientProcess[]
}

export async function serverCommand(words: readonly string[]): Promise<void> {
  const plan = parseServerPlan(words)
  const json = JsonReport.at(plan.json)
  const cleanup = new Cleanup()
  const interrupt = listenForInterrupts((name) => console.error(`${name}: closing the server and its clients …`))
  try {
    const start = { cleanup, signal: interrupt.signal }
    // `RONDO_BENCH_SERVER_FLAGS=--cpu-prof` and the like: where its time goes.
    const flags = process.env['RONDO_BENCH_SERVER_FLAGS']?.split(' ') ?? []
    const server: ServerProcess = Helper.start('serve.ts', { ...start, flags })
    const { url } = await server.ask('listening', START_MS)
    const clients = Array.from({ length: plan.clients }, (): ClientProcess => Helper.start('members.ts', start))
    const lab = { server, url, clients }
    const figures = { form: await formOne(lab, plan), many: await formMany(lab, plan), talk: await talk(lab, plan) }
    json?.write('server', words, null, figures)
  } catch (error) {
    interrupt.signal.throwIfAborted()
    throw error
  } finally {
    await cleanup.run()
    interrupt.dispose()
  }
}

/** One session of `plan.form` members who all come at once, until each sees all and its run has started. */
async function formOne({ server, url, clients }: Lab, { form }: ServerPlan): Promise<Record<string, number>> {
  const [client] = clients
  const { entries } = await server.ask('created', START_MS, { kind: 'create', sessions: ['large'] })
  const before = await sample(server)
  const from = sharedNow()
  const order = { kind: 'gather', url, entries, membersPerSession: form } as const
  await client?.ask('gathered', GATHER_MS + form * GATHER_MS_PER_MEMBER, order)
  const wallMs = sharedNow() - from
  const after = await sample(server)
  await client?.ask('left', START_MS, { kind: 'leave' })
  const cpuMs = after.cpuMs - before.cpuMs
  console.log(`a session of ${form} forms, sees itself and starts a run`)
  line('CPU time of the server', cpuMs, 'ms', WANTED_FORM_MS)
  line('wall time', wallMs, 'ms')
  line('longest that its event loop was held up', after.loop.maxMs, 'ms')
  return { members: form, cpuMs, wallMs, loopMaxMs: after.loop.maxMs }
}

async function formMany({ server, url, clients }: Lab, plan: ServerPlan): Promise<Record<string, number>> {
  const { members, sessions } = plan
  const names = Array.from({ length: sessions }, (_, i) => `s${i}`)
  const { entries } = await server.ask('created', START_MS, { kind: 'create', sessions: names })
  const before = await sample(server)
  const from = sharedNow()
  const shares = clients.map((_, i): Entry[] => entries.filter((_, at) => at % clients.length === i))
  const gathered = await Promise.all(
    clients.map((client, i) =>
      client.ask('gathered', GATHER_MS + members * GATHER_MS_PER_MEMBER, {
        kind: 'gather',
        url,
        entries: shares[i] ?? [],
        membersPerSession: members / sessions,
      }),
    ),
  )
  const wallMs = sharedNow() - from
  const after = await sample(server)
  const cpuMs = after.cpuMs - before.cpuMs
  const formMs = median(gathered.flatMap(({ joinMs }) => joinMs))
  console.log(`${members} members in ${sessions} sessions come, as fast as they can`)
  line('wall time', wallMs, 'ms')
  line('CPU time of the server for each', cpuMs / members, 'ms')
  line('memory of the server for each', (after.residentBytes - before.residentBytes) / members / 1_024, 'KiB')
  return { members, sessions, wallMs, cpuMs, formMs, residentBytes: after.residentBytes }
}

async function talk({ server, clients }: Lab, { seconds }: ServerPlan): Promise<Record<string, number>> {
  const before = await sample(server)
  const from = sharedNow()
  const order = { kind: 'talk', everyMs: EVERY_MS, forMs: seconds * 1_000 } as const
  const heard = await Promise.all(clients.map((client) => client.ask('talked', seconds * 1_000 + GATHER_MS, order)))
  const wallMs = sharedNow() - from
  const after = await sample(server)
  const delays = heard.flatMap(({ delaysMs }) => delaysMs)
  const lost = heard.reduce((sum, part) => sum + part.lost, 0)
  const load = ((after.cpuMs - before.cpuMs) / wallMs) * 100
  const [p50, p99, worst] = [median(delays), percentile(delays, 0.99), percentile(delays, 1)]
  console.log(`everyone has a heartbeat and sends its neighbour a message every 5 s, ${seconds} s long`)
  line('message delay, member to member, p99', p99, 'ms', WANTED_P99_MS)
  line('median', p50, 'ms')
  line('worst', worst, 'ms')
  line('messages', delays.length, '')
  line('lost', lost, '', 0)
  line('CPU of the server', load, '%')
  line('event loop held up, p99', after.loop.p99Ms, 'ms')
  line('event loop held up, worst', after.loop.maxMs, 'ms')
  return {
    messages: delays.length,
    lost,
    p50Ms: p50,
    p99Ms: p99,
    worstMs: worst,
    cpuPercent: load,
    loopP99Ms: after.loop.p99Ms,
  }
}

async function sample(server: ServerProcess): Promise<ServerSample> {
  return (await server.ask('sample', START_MS, { kind: 'sample' })).sample
}

function line(what: string, value: number, unit: string, wanted?: number): void {
  const verdict = wanted === undefined ? '' : `   wanted ≤ ${wanted} ${unit}: ${value <= wanted ? 'yes' : 'NO'}`
  console.log(`  ${what.padEnd(42)} ${formatNumber(value).padStart(8)} ${unit}${verdict}`)
}

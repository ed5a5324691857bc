/**
 * One process full of members, on the orders of command.ts: they gather in their sessions, talk and leave. Not for: one
 * member (member.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Member, openRun } from './member.ts'
import { type FromClients, type Gathering, sharedNow, type ToClients } from './messages.ts'

/** Sessions of this process that gather at a time: the measured part begins when all are there. */
const SESSIONS_AT_A_TIME = 8
/** Milliseconds after the last message in which the slowest one may still come. */
const LAST_WORDS_MS = 2_000

const tell = (message: FromClients): void => void process.send?.(message)
const members: Member[] = []
let delays: number[] = []

async function gather({ url, entries, membersPerSession }: Gathering): Promise<void> {
  const joinMs: number[] = []
  const waiting = [...entries]
  const gatherSome = async (): Promise<void> => {
    for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
      const from = sharedNow()
      const names = Array.from({ length: membersPerSession }, (_, i) => `${entry.session}-${i}`)
      const joined = await Promise.all(names.map((name) => Member.join(url, entry, name, (ms) => delays.push(ms))))
      await Promise.all(joined.map((member) => member.sees(membersPerSession)))
      await openRun(url, entry)
      await Promise.all(joined.map((member) => member.starts()))
      joinMs.push(sharedNow() - from)
      members.push(...joined)
    }
  }
  await Promise.all(Array.from({ length: SESSIONS_AT_A_TIME }, gatherSome))
  tell({ kind: 'gathered', joinMs })
}

/** Each member has its own moment within `everyMs`, as pages that were opened by people have. */
async function talk(everyMs: number, forMs: number): Promise<void> {
  delays = []
  let sent = 0
  let failure: unknown
  const until = sharedNow() + forMs
  const speak = async (member: Member, i: number): Promise<void> => {
    await sleep((i / members.length) * everyMs)
    for (let next = sharedNow(); next < until; next += everyMs) {
      await sleep(Math.max(0, next - sharedNow()))
      sent += 1
      member.greet().catch((thrown: unknown) => {
        failure ??= thrown
      })
    }
  }
  await Promise.all(members.map(speak))
  await sleep(LAST_WORDS_MS)
  if (failure !== undefined) throw failure
  tell({ kind: 'talked', delaysMs: delays, sent, lost: sent - delays.length })
}

process.on('message', (order: ToClients) => {
  const fail = (thrown: unknown): void => tell({ kind: 'failed', reason: String(thrown) })
  switch (order.kind) {
    case 'gather':
      return void gather(order).catch(fail)
    case 'talk':
      return void talk(order.everyMs, order.forMs).catch(fail)
    case 'leave':
      for (const member of members.splice(0)) member.close()
      return tell({ kind: 'left' })
    default:
      order satisfies never
  }
})
process.on('disconnect', () => process.exit(0))

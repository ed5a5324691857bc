/** What `bench server` was asked to do, with every value checked, and whether this machine lets it. Not for: measuring. */
import { readFileSync } from 'node:fs'
import { MAX_MEMBERS } from '@rondo/protocol'
import { badFlag, readFlags } from '../flags.ts'

export interface ServerPlan {
  members: number
  sessions: number
  /** How long everyone sends a message every 5 s. */
  seconds: number
  /** Processes that the members are spread over. */
  clients: number
  /** Members of the one large session that is formed first. */
  form: number
  json: string | undefined
}

/** Files that a process needs besides its connections. */
const SPARE_FILES = 256
const FLAGS = ['members', 'sessions', 'seconds', 'clients', 'form', 'json'] as const

/** @throws BAD_ARGUMENT: the flag with the value it got, what is allowed, what to do */
export function parseServerPlan(words: readonly string[]): ServerPlan {
  const given = readFlags(words, FLAGS)
  const plan = {
    members: count('members', given.members ?? '10000', 1, 20_000),
    sessions: count('sessions', given.sessions ?? '1000', 1, 2_000),
    seconds: count('seconds', given.seconds ?? '20', 5, 600),
    clients: count('clients', given.clients ?? '3', 1, 16),
    form: count('form', given.form ?? '256', 2, MAX_MEMBERS),
    json: given.json,
  }
  if (plan.members % plan.sessions !== 0 || plan.members / plan.sessions > MAX_MEMBERS) {
    throw badFlag(
      `--members=${plan.members} --sessions=${plan.sessions}`,
      `every session gets as many, ${MAX_MEMBERS} at most. Make members a multiple of sessions.`,
    )
  }
  if (plan.members / plan.sessions < 2) {
    throw badFlag(`--sessions=${plan.sessions}`, 'a member needs another one to talk to. Give fewer sessions.')
  }
  const files = openFilesLimit()
  if (plan.members + SPARE_FILES > files) {
    throw badFlag(
      `--members=${plan.members}`,
      `the server needs an open file for each, and this machine allows ${files} a process. Run "ulimit -Hn ${plan.members + SPARE_FILES}" as root first, or ask for at most ${files - SPARE_FILES}.`,
    )
  }
  return plan
}

function count(flag: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw badFlag(`--${flag}=${text}`, `an integer from ${least} to ${most} is needed. Correct it, or leave it out.`)
}

/** The hard limit: Node raises its own soft one to it. Unlimited where the system does not say. */
function openFilesLimit(): number {
  try {
    const line = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
    return line === null ? Number.POSITIVE_INFINITY : Number(line[1])
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

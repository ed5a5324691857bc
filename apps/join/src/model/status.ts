/**
 * The one sentence that says how things stand, with what it means for the person who reads it. Written
 * before the layout; every state has one. Pure. Not for: failures (failure.ts).
 */
import type { Seat } from '@rondo/protocol'
import { formatAgo, formatDuration, plural, type Tone } from '@rondo/ui'
import { figures, hasEnded, myRanks, type RunProgress } from '@rondo/ui/session'
import type { JoinParams } from '../params.ts'
import type { JoinState } from '../state.ts'
import { explainFailure, explainRefusal } from './failure.ts'

export interface Status {
  tone: Tone
  headline: string
  detail: string
}

/** `now` is the page's clock, ms. */
export function statusOf(state: JoinState, params: JoinParams, now: number): Status {
  if (params.session === null) {
    return {
      tone: 'warn',
      headline: 'This link names no session.',
      detail:
        'A join link looks like …/join/?session=quiet-fox-42#token=…. Ask for it again, or start a session yourself.',
    }
  }
  if (state.refused !== null) {
    const { headline, todo } = explainRefusal(state.refused, params)
    return { tone: 'fail', headline, detail: todo }
  }
  if (state.connection === 'offline' || state.connection === 'closed') return offline(state, params, now)
  if (state.snapshot === null) {
    return { tone: 'wait', headline: `Connecting to ${params.server} …`, detail: 'This takes a second or two.' }
  }
  const watching = state.run !== null && state.run.state.status !== 'waiting'
  if (state.membership === 'joining') {
    return { tone: 'wait', headline: 'Joining …', detail: 'Looking at this device and asking for a rank.' }
  }
  if (state.membership === 'left' && !watching) {
    return {
      tone: 'wait',
      headline: 'You have left the session.',
      detail: 'Nothing runs on this device any more. You can join again at any time.',
    }
  }
  if (state.membership === 'out' && !watching) {
    return {
      tone: 'wait',
      headline: `You are invited to session ${state.snapshot.session}.`,
      detail: 'Nothing runs on this device until you join.',
    }
  }
  return state.run === null ? gathering(state) : running(state, state.run, now)
}

function offline(state: JoinState, params: JoinParams, now: number): Status {
  const since = state.offlineSince === null ? '' : ` for ${formatAgo(now - state.offlineSince)}`
  if (state.snapshot === null) {
    return {
      tone: 'fail',
      headline: `Nobody answers at ${params.server}.`,
      detail: 'Is Rondo still running there, and is this device on the same network? Then connect again.',
    }
  }
  const live = state.run !== null && state.run.state.status === 'running'
  return {
    tone: 'warn',
    headline:
      state.connection === 'closed'
        ? `The server has been gone${since}.`
        : `The server does not answer${since}; reconnecting.`,
    detail: live
      ? 'Ranks that are linked directly keep training. Figures of other machines return with the server.'
      : `Figures and files that were already here stay readable. Is ${params.server} still running?`,
  }
}

function gathering(state: JoinState): Status {
  const present = state.snapshot?.members ?? []
  if (present.some((member) => member.pageId === state.pageId && !member.admitted)) {
    return {
      tone: 'wait',
      headline: 'Waiting to be let in.',
      detail: 'Whoever leads this session has to say yes in the Devices panel of the notebook. Keep this page open.',
    }
  }
  const members = present.filter((member) => member.admitted).length
  const mine = myRanks(state)
  const you = mine.length === 0 ? '' : ` You will be ${rankList(mine)}.`
  const { canStart, why } = startable(state)
  return {
    tone: 'wait',
    headline: canStart ? `${plural(members, 'rank is', 'ranks are')} here, ready to start.` : 'Waiting for a run.',
    detail: canStart ? `Start when everyone is in.${you}` : `${why}${you}`,
  }
}

function running(state: JoinState, run: RunProgress, now: number): Status {
  const { seats, startedAt, endedAt, createdAt, status } = run.state
  const took = formatDuration((endedAt ?? now + state.clockSkew) - (startedAt ?? createdAt))
  switch (status) {
    case 'waiting': {
      const missing = seats.filter((seat) => seat.memberId === null)
      const since = formatDuration(now + state.clockSkew - createdAt)
      return missing.length === 0
        ? { tone: 'wait', headline: 'Everyone is here; the ranks are starting.', detail: `Since ${since}.` }
        : {
            tone: 'wait',
            headline: `Waiting for ${plural(missing.length, 'rank')} of ${seats.length}: ${seatList(missing)}.`,
            detail: `Since ${since}. The run starts by itself when the last one is here.`,
          }
    }
    case 'running': {
      const now = figures(state)
      if (now.epoch === null) {
        const ready = seats.filter((seat) => run.ranks[seat.rank]?.ready).length
        return {
          tone: 'work',
          headline: 'The ranks are getting ready.',
          detail: `${ready} of ${seats.length} have their links; the script and its data are loading.`,
        }
      }
      return { tone: 'work', headline: `Training, ${now.epoch}.`, detail: `Running for ${took}.` }
    }
    case 'done':
      return { tone: 'ok', headline: `Done in ${took}.`, detail: agreement(run) }
    case 'stopped':
      return {
        tone: 'warn',
        headline: `Stopped after ${took}.`,
        detail: 'A person stopped the run. What was logged is kept.',
      }
    case 'failed': {
      const failure = explainFailure(run)
      return { tone: 'fail', headline: failure.headline, detail: `It ran for ${took}.` }
    }
    default:
      return status satisfies never
  }
}

/** What the finished ranks say of their weights. */
function agreement(run: RunProgress): string {
  const hashes = Object.values(run.ranks).flatMap(({ report }) => (report?.weightsHash ? [report.weightsHash] : []))
  const [first] = hashes
  if (first === undefined || hashes.length < run.state.seats.length) return 'All ranks finished.'
  return hashes.every((hash) => hash === first)
    ? `All ranks hold the same weights (SHA-256 ${first.slice(0, 12)}…).`
    : 'The ranks finished with different weights.'
}

/** Whether the Start button may be pressed and, if not, why. */
export function startable(state: JoinState): { canStart: boolean; why: string } {
  const no = (why: string) => ({ canStart: false, why })
  if (state.connection !== 'online' || state.snapshot === null) return no('The server does not answer.')
  if (state.run !== null && !hasEnded(state.run)) return no('A run is already going on.')
  if (!state.snapshot.controlled) {
    return no('Nobody controls this session now. Start "rondo serve" or "rondo run" on the main machine.')
  }
  if (!state.snapshot.members.some((member) => member.admitted))
    return no('Nobody has joined yet: a run needs at least one rank.')
  return { canStart: true, why: '' }
}

/** `rank 2`, `ranks 2 and 3`, `ranks 1, 2 and 5`. */
export function rankList(ranks: readonly number[]): string {
  return `${ranks.length === 1 ? 'rank' : 'ranks'} ${enumerate(ranks.map(String))}`
}

/** Seats by node: `rank 3 (Laptop-B), ranks 4 and 5 (node 2)`. */
export function seatList(seats: readonly Seat[]): string {
  const byNode = new Map<string, number[]>()
  for (const { nodeLabel, rank } of seats) byNode.set(nodeLabel, [...(byNode.get(nodeLabel) ?? []), rank])
  return [...byNode].map(([node, ranks]) => `${rankList(ranks)} (${node})`).join(', ')
}

function enumerate(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}

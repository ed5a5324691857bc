/**
 * The sentences of a run that fails: which ranks are missing or lost, where, and when they were last seen.
 * Not for: deciding that it fails.
 */
import { nodeRanks, type RunState, type Seat, type WireError } from '@rondo/protocol'
import type { SessionRecord } from './record.ts'
import type { LastSeen } from './snapshot.ts'

/** Ranks spelled out in one sentence; all of them are in `details`. */
const MAX_NAMED = 12

/** TIMEOUT: who has not come (or not come up) within the start timeout. */
export function startTimeout(
  record: Readonly<SessionRecord>,
  run: RunState,
  lastSeen: LastSeen,
  now: number,
): WireError {
  const waiting = run.status === 'waiting'
  const seats = run.seats.filter((seat) => (waiting ? seat.memberId === null : seat.state === 'starting'))
  const missing = seats.map((seat) => {
    const agent = agentSeen(record, seat.nodeRank, lastSeen)
    return { rank: seat.rank, nodeRank: seat.nodeRank, localRank: seat.localRank, agent, node: seat.nodeLabel }
  })
  const named = missing.slice(0, MAX_NAMED).map(({ rank, nodeRank, localRank, agent }) => {
    const seen =
      agent === null
        ? 'no agent of this node has connected'
        : `agent ${agent.label} on ${agent.host} last seen ${seconds(now - agent.lastSeen)} ago`
    return `rank ${rank} (node ${nodeRank}, local rank ${localRank}; ${seen})`
  })
  const rest = missing.length > MAX_NAMED ? ` and ${missing.length - MAX_NAMED} more` : ''
  const what = waiting ? 'did not arrive' : 'did not get ready'
  const advice = waiting
    ? 'Start the missing nodes with the same command or open the join page there, or raise --timeout.'
    : 'Look at the console of these ranks, or raise --timeout.'
  return {
    code: 'TIMEOUT',
    name: 'RondoError',
    message: `${missing.length} of ${run.seats.length} ranks ${what} within ${run.config.startTimeoutSeconds} s (--timeout): ${named.join(', ')}${rest}. ${advice}`,
    ...(missing[0] === undefined ? {} : { rank: missing[0].rank, node: missing[0].node }),
    details: { missing },
  }
}

/** RANK_LOST: these seats' page is gone. `why` is the transport's own word. */
export function ranksLost(
  record: Readonly<SessionRecord>,
  seats: readonly Seat[],
  why: string,
  now: number,
): WireError {
  const lost = seats.map((seat) => {
    const progress = record.progress.find((entry) => entry.rank === seat.rank)
    const { rank, nodeLabel, nodeRank, localRank, lastSeen } = seat
    return { rank, node: nodeLabel, nodeRank, localRank, lastSeen, epoch: progress?.epoch, step: progress?.step }
  })
  const named = lost.slice(0, MAX_NAMED).map((entry) => {
    const seen = entry.lastSeen === null ? 'never heard from' : `last sign of life ${seconds(now - entry.lastSeen)} ago`
    const step = entry.step === undefined ? 'before its first step' : `at epoch ${entry.epoch}, step ${entry.step}`
    return `rank ${entry.rank} (${entry.node}, local rank ${entry.localRank}; ${seen}, ${step})`
  })
  const rest = lost.length > MAX_NAMED ? ` and ${lost.length - MAX_NAMED} more` : ''
  const first = lost[0]
  return {
    code: 'RANK_LOST',
    name: 'RondoError',
    message: `Lost ${named.join(', ')}${rest}: ${why}. The other ranks were stopped; open the page again and restart the run.`,
    ...(first === undefined ? {} : { rank: first.rank, node: first.node }),
    details: { lost, why },
  }
}

function agentSeen(record: Readonly<SessionRecord>, nodeRank: number, lastSeen: LastSeen) {
  const ranks = nodeRanks(record.agents, record.pages)
  const agent = record.agents.find((entry) => ranks.get(entry.nodeId) === nodeRank)
  if (agent !== undefined) {
    return { label: agent.label, host: agent.host, lastSeen: lastSeen(agent.connectionId) ?? agent.since }
  }
  const departed = record.departed.findLast((entry) => entry.nodeRank === nodeRank)
  return departed === undefined ? null : { label: departed.label, host: departed.host, lastSeen: departed.lastSeen }
}

function seconds(ms: number): string {
  return `${(Math.max(0, ms) / 1000).toFixed(1)} s`
}

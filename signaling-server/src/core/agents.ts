/**
 * Agents: whether one may come in, and whether it wants what the others want. All agents of a session have
 * to agree on the plan, because each of them starts its own ranks with its own flags and its own script.
 */
import { type AgentHello, nodeRanks, RondoError } from '@rondo/protocol'
import type { Effect } from './effects.ts'
import { mayTakeOver } from './membership.ts'
import type { AgentEntry, Connection, SessionRecord } from './record.ts'
import { seatWaiting } from './runs.ts'

/** Characters of a script hash in messages: enough to compare by eye, too few to get in with. */
const HASH_CHARS = 8

const AGREED = [
  { key: 'scriptHash', flag: 'SCRIPT' },
  { key: 'numNodes', flag: '--num-nodes' },
  { key: 'strategy', flag: '--strategy' },
  { key: 'precision', flag: '--precision' },
] as const

/**
 * May an agent without any token come in? Only where agents have announced a run over several nodes and
 * only with the very same script: knowing its hash stands for the token.
 */
export function admitWithoutToken(record: Readonly<SessionRecord>, hello: AgentHello): void {
  const first = record.agents[0]
  if (first === undefined) {
    throw new RondoError(
      'UNKNOWN_SESSION',
      `Session ${record.name} has announced no run over several nodes yet. Start the main node first, or join with the token that it printed.`,
    )
  }
  requireSamePlan(record, hello)
  if (first.plan.numNodes < 2) {
    throw new RondoError(
      'BAD_TOKEN',
      `Session ${record.name} runs on one node and admits agents only with its token. Use the token that ${first.host} printed, or another --session.`,
    )
  }
}

/** Registers an agent, or lets it update what it said. Throws PLAN_MISMATCH, NODE_RANK_TAKEN, SESSION_FULL. */
export function hello(
  record: SessionRecord,
  connection: Connection,
  message: AgentHello,
  now: number,
): { nodeRank: number; effects: Effect[] } {
  const { node, plan } = message
  const before = record.agents.find((agent) => agent.nodeId === node.id)
  if (before !== undefined && !mayTakeOver(record, connection, before)) {
    throw new RondoError(
      'CONFLICT',
      `node id ${node.id} is in use by the agent on ${before.host} since ${clock(before.since)}. Every agent needs an id of its own.`,
    )
  }
  requireSamePlan(record, message)
  const others = record.agents.filter((agent) => agent !== before && agent.connectionId !== connection.id)
  if (node.rank !== null && node.rank >= plan.numNodes) {
    throw new RondoError(
      'NODE_RANK_TAKEN',
      `--node-rank ${node.rank} is outside 0..${plan.numNodes - 1} (--num-nodes ${plan.numNodes}). Leave it out to let the server decide.`,
    )
  }
  const holder = node.rank === null ? undefined : others.find((agent) => agent.rank === node.rank)
  if (holder !== undefined) {
    throw new RondoError(
      'NODE_RANK_TAKEN',
      `--node-rank ${node.rank} is taken by the agent on ${holder.host} (${holder.label}) since ${clock(holder.since)}. Choose another, or leave it out to let the server decide.`,
      { details: { host: holder.host, since: holder.since } },
    )
  }
  if (others.length >= plan.numNodes) {
    throw new RondoError(
      'SESSION_FULL',
      `--num-nodes ${plan.numNodes}: all nodes are here already (${others.map((agent) => agent.host).join(', ')}). Raise --num-nodes everywhere, or use another --session.`,
    )
  }
  const entry: AgentEntry = {
    nodeId: node.id,
    label: node.label,
    host: node.host,
    rank: node.rank,
    since: before?.since ?? now,
    connectionId: connection.id,
    clientKey: connection.clientKey,
    plan,
  }
  const at = before === undefined ? -1 : record.agents.indexOf(before)
  record.agents =
    at < 0
      ? [...others, entry]
      : record.agents
          .map((agent) => (agent === before ? entry : agent))
          .filter((agent) => agent === entry || others.includes(agent))
  const nodeRank = nodeRanks(record.agents, record.pages).get(node.id) ?? 0
  return { nodeRank, effects: [{ kind: 'snapshot', urgent: false }, ...seatWaiting(record, now)] }
}

/** PLAN_MISMATCH with both values and both nodes, compared with any other agent of the session. */
function requireSamePlan(record: Readonly<SessionRecord>, message: AgentHello): void {
  const other = record.agents.find((agent) => agent.nodeId !== message.node.id)
  if (other === undefined) return
  for (const { key, flag } of AGREED) {
    if (other.plan[key] === message.plan[key]) continue
    const shown = (value: string | number | null) =>
      value === null ? 'unset' : key === 'scriptHash' ? String(value).slice(0, HASH_CHARS) : String(value)
    const [theirs, yours] = [shown(other.plan[key]), shown(message.plan[key])]
    throw new RondoError(
      'PLAN_MISMATCH',
      `${flag} differs: ${yours} on ${message.node.host} (${message.node.label}), ${theirs} on ${other.host} (${other.label}). All nodes need the same script, --num-nodes, --strategy and --precision; start them with the same command.`,
      { details: { field: key, yours, theirs, node: message.node.label, otherNode: other.label } },
    )
  }
}

function clock(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').slice(0, 19)
}

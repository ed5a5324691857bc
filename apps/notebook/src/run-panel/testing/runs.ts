/** Runs and events as ranks report them, for tests and for looking at the page without ranks. */
import type { LinkReport, RankEvent, RunState, Seat } from '@rondo/protocol'

/** Page and server clock, ms. */
export const NOW = Date.UTC(2026, 0, 1, 12)

const NODES = [
  { nodeId: 'here', nodeLabel: 'this page', slots: 2 },
  { nodeId: 'laptop', nodeLabel: 'Laptop-B', slots: 2 },
]

export function runOf(world: number, { missing = [] as number[] } = {}): RunState {
  const seats = Array.from({ length: world }, (_, rank): Seat => {
    const nodeRank = world > 2 && rank >= NODES[0]!.slots ? 1 : 0
    const node = NODES[nodeRank]!
    const here = !missing.includes(rank)
    return {
      rank,
      nodeRank,
      localRank: rank - 2 * nodeRank,
      memberId: here ? `${node.nodeId}-${rank}` : null,
      pageId: here ? node.nodeId : null,
      browserId: null,
      nodeId: here ? node.nodeId : null,
      nodeLabel: node.nodeLabel,
      state: missing.length > 0 ? 'waiting' : 'running',
      lastSeen: here ? NOW : null,
    }
  })
  return {
    runId: 'nb-7',
    status: missing.length > 0 ? 'waiting' : 'running',
    generation: 3,
    config: {
      runId: 'nb-7',
      script: { name: 'notebook', url: '/runtime/notebook-rank.js', hash: '0' },
      args: [],
      devices: world,
      numNodes: 1,
      explicit: [],
      processGroupBackend: 'auto',
      startTimeoutSeconds: 60,
      stepTimeoutSeconds: 60,
      debug: 'off',
      env: {},
    },
    seats,
    createdAt: NOW - 900_000,
    startedAt: NOW - 899_000,
    endedAt: null,
    error: null,
  }
}

export const STEPS_PER_EPOCH = 20

export function progressEvent(step: number, loss: number, links: LinkReport[] = []): RankEvent {
  return {
    kind: 'progress',
    epoch: Math.floor(step / STEPS_PER_EPOCH),
    epochs: 2,
    step,
    stepInEpoch: step % STEPS_PER_EPOCH,
    stepsPerEpoch: STEPS_PER_EPOCH,
    loss,
    samplesPerSecond: 100,
    times: { compute: 27, readback: 3.4, communication: 12.6, exposedCommunication: 5.4, apply: 2.2, total: 38 },
    hiddenMs: 7.2,
    links,
    memory: { tensors: 61, bytes: 9_400_000 },
  }
}

export function consoleEvent(text: string, level: Extract<RankEvent, { kind: 'console' }>['level'] = 'log'): RankEvent {
  return { kind: 'console', level, text }
}

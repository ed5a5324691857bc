/** Runs, seats and events as the server sends them, for tests of what the terminal and the report make of them. */
import type { LinkReport, ProgressEvent, RankReport, RunState, Seat, SetupEvent } from '@rondo/protocol'

const NO_TIMES = { compute: 0, readback: 0, communication: 0, exposedCommunication: 0, apply: 0, total: 0 }

export function seat(rank: number, more: Partial<Seat> = {}): Seat {
  return {
    rank,
    nodeRank: 0,
    localRank: rank,
    memberId: `m${rank}`,
    pageId: `p${rank}`,
    browserId: 'b',
    nodeId: 'n0',
    nodeLabel: 'lab',
    state: 'running',
    lastSeen: 0,
    ...more,
  }
}

export function runState(seats: Seat[], more: Partial<RunState> = {}): RunState {
  return {
    runId: 'r1',
    status: 'running',
    generation: 1,
    config: {
      runId: 'r1',
      script: { name: 'train.ts', url: '/runs/r1/script.js', hash: 'h' },
      args: [],
      devices: seats.length,
      numNodes: 1,
      explicit: [],
      processGroupBackend: 'auto',
      startTimeoutSeconds: 600,
      stepTimeoutSeconds: 60,
      debug: 'off',
      env: {},
    },
    seats,
    createdAt: 0,
    startedAt: 0,
    endedAt: null,
    error: null,
    ...more,
  }
}

export function link(from: number, to: number, carrier: LinkReport['carrier'] = 'webrtc', bytesSent = 0): LinkReport {
  return { from, to, carrier, bytesSent, throughput: null, roundTripMs: null }
}

export function setup(more: Partial<SetupEvent> = {}): SetupEvent {
  return {
    kind: 'setup',
    accelerator: 'wasm',
    adapter: null,
    software: false,
    reason: 'no GPU here',
    precision: '32-true: weights f32, arithmetic f32, wire f32',
    strategy: 'ddp',
    learningRate: 0.1,
    batchSize: 32,
    parameters: 1234,
    ...more,
  }
}

export function progress(step: number, more: Partial<ProgressEvent> = {}): ProgressEvent {
  return {
    kind: 'progress',
    epoch: 0,
    epochs: null,
    step,
    stepInEpoch: step,
    stepsPerEpoch: 10,
    loss: 1,
    samplesPerSecond: 100,
    times: { ...NO_TIMES, total: 10 },
    hiddenMs: 0,
    links: [],
    memory: { tensors: 1, bytes: 1 },
    ...more,
  }
}

export function rankReport(rank: number, more: Partial<RankReport> = {}): RankReport {
  return {
    rank,
    node: 'lab',
    localRank: rank,
    accelerator: 'wasm',
    adapter: null,
    weightsHash: 'a'.repeat(64),
    steps: 10,
    samples: 320,
    bytesSent: 5,
    bytesReceived: 6,
    msPerStep: NO_TIMES,
    result: null,
    ...more,
  }
}

/**
 * Sessions as the server would tell them, for looking at the page and for testing its reducer without a
 * server. Built from actions, so they go through the same code as real ones. Never part of the build.
 */
import type { DeviceInfo, LinkReport, Member, RunState, Seat, SessionSnapshot, WireError } from '@rondo/protocol'
import { initialState, type JoinAction, type JoinState, reduce } from '../state.ts'

/** Page and server clock of every fixture, ms. */
export const NOW = Date.UTC(2026, 0, 1, 12)
export const MY_PAGE = 'page-c'
const RUN = 'run-7'

const UA = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36'

export function device(webgpu: DeviceInfo['webgpu'], vendor = 'apple', architecture = 'metal-3'): DeviceInfo {
  const adapter = { vendor, architecture, description: '', isFallback: webgpu === 'software' }
  return {
    adapter: webgpu === 'hardware' || webgpu === 'software' ? adapter : null,
    webgpu,
    features: webgpu === 'hardware' ? ['shader-f16', 'timestamp-query', 'float32-filterable'] : [],
    limits:
      webgpu === 'hardware'
        ? {
            maxBufferSize: 4_294_967_292,
            maxStorageBufferBindingSize: 4_294_967_292,
            maxComputeWorkgroupStorageSize: 32_768,
          }
        : {},
    cores: 8,
    secureContext: webgpu !== 'insecure',
    crossOriginIsolated: webgpu !== 'insecure',
    userAgent: UA,
  }
}

const PAGES = [
  { pageId: 'page-a', nodeLabel: 'Studio', slots: 2, device: device('hardware') },
  { pageId: 'page-b', nodeLabel: 'Studio, 2nd tab', slots: 1, device: device('hardware') },
  { pageId: MY_PAGE, nodeLabel: 'Laptop-B', slots: 1, device: device('software', 'google', 'swiftshader') },
]

export function members(pages = PAGES): Member[] {
  return pages.flatMap((page, nodeRank) =>
    Array.from({ length: page.slots }, (_, localRank) => ({
      memberId: `${page.pageId}-${localRank}`,
      pageId: page.pageId,
      browserId: null,
      nodeId: page.pageId,
      nodeLabel: page.nodeLabel,
      nodeRank,
      localRank,
      device: page.device,
      admitted: true,
      joinedAt: NOW - 60_000,
      lastSeen: NOW,
    })),
  )
}

export function snapshot(change: Partial<SessionSnapshot> = {}): SessionSnapshot {
  return {
    session: 'quiet-fox-42',
    generation: 4,
    members: members(),
    agents: [{ nodeId: 'main', label: 'studio', nodeRank: 0, host: '192.0.2.10', since: NOW - 300_000 }],
    controlled: true,
    admission: 'open',
    offer: { script: 'examples/mnist/train.ts', description: 'a small convolutional net on MNIST, 3 epochs' },
    run: null,
    serverTime: NOW,
    ...change,
  }
}

export function runState(change: Partial<RunState> = {}, seat: (seat: Seat) => Partial<Seat> = () => ({})): RunState {
  const seats = members().map((member, rank): Seat => {
    const { memberId, pageId, browserId, nodeId, nodeLabel, nodeRank, localRank } = member
    const base: Seat = {
      rank,
      nodeRank,
      localRank,
      memberId,
      pageId,
      browserId,
      nodeId,
      nodeLabel,
      state: 'running',
      lastSeen: NOW,
    }
    return { ...base, ...seat(base) }
  })
  return {
    runId: RUN,
    status: 'running',
    generation: 4,
    config: {
      runId: RUN,
      script: { name: 'examples/mnist/train.ts', url: '/runs/run-7/script.js', hash: '9f2c4b7a1d3e5f60' },
      args: ['--epochs', '3'],
      devices: 2,
      numNodes: 3,
      explicit: [],
      processGroupBackend: 'auto',
      startTimeoutSeconds: 600,
      stepTimeoutSeconds: 60,
      debug: 'off',
      env: {},
    },
    seats,
    createdAt: NOW - 95_000,
    startedAt: NOW - 92_000,
    endedAt: null,
    error: null,
    ...change,
  }
}

const CARRIERS = [
  { carrier: 'local', throughput: 1.4e9, roundTripMs: 0.08 },
  { carrier: 'port', throughput: 3.9e8, roundTripMs: 0.4 },
  { carrier: 'webrtc', throughput: 1.6e7, roundTripMs: 3.1 },
  { carrier: 'relay', throughput: 1.1e6, roundTripMs: 24 },
] as const

function links(rank: number, step: number): LinkReport[] {
  const link = CARRIERS[rank % CARRIERS.length]!
  return [{ from: rank, to: (rank + 1) % 4, bytesSent: step * 402_000, ...link }]
}

/** Deterministic noise in [0, 1), so that two screenshots of one state are equal. */
function noise(seed: number): number {
  const x = Math.sin(seed * 12.9898) * 43758.5453
  return x - Math.floor(x)
}

const STEPS_PER_EPOCH = 235

/** Every rank's events up to a step. */
export function training(steps: number): JoinAction[] {
  const event = (
    rank: number,
    event: Extract<JoinAction, { type: 'run:event' }>['message']['event'],
    at = NOW,
  ): JoinAction => ({
    type: 'run:event',
    at,
    message: { runId: RUN, generation: 4, rank, event },
  })
  const actions: JoinAction[] = []
  for (let rank = 0; rank < 4; rank++) {
    const software = rank === 3
    actions.push(event(rank, { kind: 'ready', links: links(rank, 0) }))
    actions.push(
      event(rank, {
        kind: 'setup',
        accelerator: software ? 'wasm' : 'webgpu',
        adapter: software ? null : 'apple metal-3',
        software: false,
        reason: software ? 'the only WebGPU adapter is a software one; WASM with SIMD and 8 threads is faster' : 'auto',
        precision: '32-true',
        strategy: 'ddp',
        learningRate: 0.004,
        batchSize: 64,
        parameters: 105_866,
      }),
    )
    actions.push(event(rank, { kind: 'console', level: 'info', text: 'MNIST: 15,000 of 60,000 images are mine' }))
  }
  for (let step = 0; step < steps; step++) {
    for (let rank = 0; rank < 4; rank++) {
      const loss = 2.3 * Math.exp(-step / 70) + 0.09 + 0.22 * Math.exp(-step / 300) * noise(step * 4 + rank)
      actions.push(
        event(
          rank,
          {
            kind: 'progress',
            epoch: Math.floor(step / STEPS_PER_EPOCH),
            epochs: 3,
            step,
            stepInEpoch: step % STEPS_PER_EPOCH,
            stepsPerEpoch: STEPS_PER_EPOCH,
            loss,
            samplesPerSecond: 850 + 20 * noise(step + rank),
            times: {
              compute: 27,
              readback: 3.4,
              communication: 12.6,
              exposedCommunication: 5.4,
              apply: 2.2,
              total: 38,
            },
            hiddenMs: 7.2,
            links: links(rank, step),
            memory: { tensors: 61, bytes: 9_400_000 },
          },
          NOW - (steps - step) * 38,
        ),
      )
    }
    if (step > 0 && step % STEPS_PER_EPOCH === 0) {
      actions.push(event(0, { kind: 'metrics', step, values: { val_accuracy: 0.951 + step / 40_000 } }))
      actions.push(
        event(0, { kind: 'console', level: 'log', text: `epoch ${step / STEPS_PER_EPOCH}: accuracy 0.9${step}` }),
      )
    }
  }
  actions.push(
    event(2, { kind: 'console', level: 'warn', text: 'the tab is in the background; training goes on in its worker' }),
  )
  return actions
}

function done(): JoinAction[] {
  const weightsHash = '3fa91c77e0b2'.padEnd(64, '4')
  const finished = Array.from(
    { length: 4 },
    (_, rank): JoinAction => ({
      type: 'run:event',
      at: NOW,
      message: {
        runId: RUN,
        generation: 4,
        rank,
        event: {
          kind: 'done',
          report: {
            rank,
            node: 'n',
            localRank: 0,
            accelerator: 'webgpu',
            adapter: null,
            weightsHash,
            steps: 705,
            samples: 45_120,
            bytesSent: 283_410_000,
            bytesReceived: 283_410_000,
            msPerStep: { compute: 27, readback: 3, communication: 12, exposedCommunication: 5, apply: 2, total: 38 },
            result: null,
          },
        },
      },
    }),
  )
  const metrics: JoinAction = {
    type: 'run:event',
    at: NOW,
    message: {
      runId: RUN,
      generation: 4,
      rank: 0,
      event: { kind: 'metrics', step: 705, values: { test_accuracy: 0.9814, test_loss: 0.0611 } },
    },
  }
  return [...finished, metrics]
}

export const LOST: WireError = {
  code: 'RANK_LOST',
  name: 'RondoError',
  message:
    'rank 2 on Studio, 2nd tab gave no sign of life for 4.5 s while all-reduce "bucket 2" was waiting for it. Its tab was closed or its device fell asleep. Open it again and start anew.',
  rank: 2,
  node: 'Studio, 2nd tab',
  stack:
    'RondoError: rank 2 on Studio, 2nd tab gave no sign of life\n    at ring.receive (rank-worker.js:812:13)\n    at allReduce (rank-worker.js:455:9)',
  details: { lastOp: 'allReduce bucket 2', sequence: 1204, lastSeenMsAgo: 4500 },
}

function build(base: DeviceInfo, actions: JoinAction[]): JoinState {
  const first: JoinAction[] = [{ type: 'device', device: base }]
  return [...first, ...actions].reduce(reduce, initialState(MY_PAGE))
}

const at = (change: Partial<SessionSnapshot>): JoinAction => ({ type: 'session', at: NOW, snapshot: snapshot(change) })
const JOINED: JoinAction = { type: 'membership', membership: 'in' }
const SOFT = device('software', 'google', 'swiftshader')
const others = members().filter((member) => member.pageId !== MY_PAGE)

/** Every state a person may see, by name. */
export const FIXTURES: Record<string, () => JoinState> = {
  connecting: () => build(SOFT, []),
  before: () => build(SOFT, [at({ members: others })]),
  gathering: () => build(SOFT, [JOINED, at({})]),
  waiting: () =>
    build(SOFT, [
      JOINED,
      at({
        members: members().filter((member) => member.nodeRank !== 1),
        run: runState({ status: 'waiting', startedAt: null }, (seat) =>
          seat.nodeRank === 1
            ? { state: 'waiting', memberId: null, pageId: null, nodeId: null, nodeLabel: 'node 1', lastSeen: null }
            : { state: 'waiting' },
        ),
      }),
    ]),
  running: () => build(SOFT, [JOINED, at({ run: runState() }), ...training(430)]),
  done: () =>
    build(SOFT, [
      JOINED,
      at({ run: runState() }),
      ...training(705),
      ...done(),
      at({ run: runState({ status: 'done', endedAt: NOW - 4_000 }, () => ({ state: 'done' })) }),
    ]),
  failed: () =>
    build(SOFT, [
      JOINED,
      at({ run: runState() }),
      ...training(412),
      at({
        members: members().filter((member) => member.nodeRank !== 1),
        run: runState({ status: 'failed', endedAt: NOW, error: LOST }, (seat) =>
          seat.rank === 2 ? { state: 'lost', lastSeen: NOW - 12_000 } : {},
        ),
      }),
    ]),
  offline: () =>
    build(SOFT, [
      JOINED,
      at({ run: runState() }),
      ...training(300),
      { type: 'connection', connection: 'offline', at: NOW - 7_000 },
    ]),
  insecure: () => build(device('insecure'), [at({ members: others })]),
  refused: () =>
    build(SOFT, [
      { type: 'refused', error: { code: 'BAD_TOKEN', name: 'RondoError', message: 'token does not fit the session' } },
    ]),
}

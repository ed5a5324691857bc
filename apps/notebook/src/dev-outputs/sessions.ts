/** Runs and sessions as the panels get them. Built through the reducer, so they go through the same code as real ones. */
import type { DeviceInfo, LinkReport, Member, RankEvent, WireError } from '@rondo/protocol'
import type { SessionView } from '@rondo/ui/session'
import { newRunPanel, type RunPanelAction, type RunPanelState, runPanelReducer } from '../run-panel/index.ts'
import { consoleEvent, NOW, progressEvent, runOf } from '../run-panel/testing/runs.ts'

export { NOW }

const LINKS = [
  { carrier: 'local', throughput: 1.4e9, roundTripMs: 0.08 },
  { carrier: 'webrtc', throughput: 1.6e7, roundTripMs: 3.1 },
  { carrier: 'port', throughput: 3.9e8, roundTripMs: 0.4 },
  { carrier: 'relay', throughput: 1.1e6, roundTripMs: 24 },
] as const

const links = (rank: number, world: number, step: number): LinkReport[] => [
  { from: rank, to: (rank + 1) % world, bytesSent: step * 402_000, ...LINKS[rank % LINKS.length]! },
]

/** Deterministic noise in [0, 1), so that two screenshots of one state are equal. */
function noise(seed: number): number {
  const x = Math.sin(seed * 12.9898) * 43758.5453
  return x - Math.floor(x)
}

function setup(rank: number): RankEvent {
  return {
    kind: 'setup',
    accelerator: rank < 2 ? 'wasm' : 'webgpu',
    adapter: rank < 2 ? null : 'apple metal-3',
    software: false,
    reason: 'auto',
    precision: '32-true',
    strategy: 'ddp',
    learningRate: 0.004,
    batchSize: 64,
    parameters: 105_866,
  }
}

function training(world: number, steps: number): RunPanelAction[] {
  const actions: RunPanelAction[] = []
  const say = (rank: number, event: RankEvent, at = NOW) => actions.push({ type: 'event', rank, event, at })
  for (let rank = 0; rank < world; rank++) {
    say(rank, { kind: 'ready', links: links(rank, world, 0) })
    say(rank, setup(rank))
    say(rank, consoleEvent(`MNIST: ${60_000 / world} of 60,000 images are mine`))
  }
  for (let step = 0; step < steps; step++) {
    for (let rank = 0; rank < world; rank++) {
      const loss = 2.3 * Math.exp(-step / 9) + 0.09 + 0.2 * noise(step * 4 + rank)
      say(rank, progressEvent(step, loss, links(rank, world, step)), NOW + step * 1_000)
    }
  }
  if (steps > 20) say(0, { kind: 'metrics', step: 20, values: { val_accuracy: 0.951, val_loss: 0.162 } })
  say(0, consoleEvent('epoch 1: accuracy 0.951'))
  say(world - 1, consoleEvent('the tab is in the background; training goes on in its worker', 'warn'))
  return actions
}

const play = (state: RunPanelState, actions: RunPanelAction[]) => actions.reduce(runPanelReducer, state)
const launch = (world: number, missing: number[] = []) =>
  newRunPanel('fabric.launch(train)', runOf(world, { missing }), NOW)

const FAILURE: WireError = {
  code: 'SCRIPT_FAILED',
  name: 'TypeError',
  message: 'Cannot read properties of undefined (reading "weights")',
  rank: 2,
  node: 'Laptop-B',
}

export const RUNS: Record<string, RunPanelState> = {
  waiting: launch(4, [2, 3]),
  function: play(launch(2), [
    { type: 'event', rank: 0, event: consoleEvent('hello from a rank'), at: NOW },
    { type: 'event', rank: 1, event: consoleEvent('hello from a rank'), at: NOW },
  ]),
  training: play(launch(4), training(4, 26)),
  done: play(launch(4), [...training(4, 40), { type: 'end', status: 'done', error: null, at: NOW + 41_000 }]),
  failed: play(launch(4), [...training(4, 12), { type: 'end', status: 'failed', error: FAILURE, at: NOW + 13_000 }]),
}

function device(webgpu: DeviceInfo['webgpu'], vendor: string, architecture: string): DeviceInfo {
  return {
    adapter: webgpu === 'none' ? null : { vendor, architecture, description: '', isFallback: webgpu === 'software' },
    webgpu,
    features: [],
    limits: {},
    cores: 8,
    secureContext: true,
    crossOriginIsolated: true,
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36',
  }
}

const PAGES = [
  { pageId: 'here', nodeLabel: 'Chrome on Linux', slots: 2, device: device('software', 'google', 'swiftshader') },
  { pageId: 'laptop', nodeLabel: 'Laptop-B', slots: 2, device: device('hardware', 'apple', 'metal-3') },
  { pageId: 'phone', nodeLabel: 'Phone', slots: 1, device: device('hardware', 'qualcomm', 'adreno-7xx') },
]

function members(count: number, asking: readonly string[]): Member[] {
  return PAGES.slice(0, count).flatMap((page, nodeRank) =>
    Array.from({ length: page.slots }, (_, localRank) => ({
      memberId: `${page.pageId}-${2 * nodeRank + localRank}`,
      pageId: page.pageId,
      browserId: null,
      nodeId: page.pageId,
      nodeLabel: page.nodeLabel,
      nodeRank,
      localRank,
      device: page.device,
      admitted: !asking.includes(page.pageId),
      joinedAt: NOW - 60_000,
      lastSeen: NOW,
    })),
  )
}

/** `asking`: pages that wait to be let in. */
export function session(pages: number, run: RunPanelState | null, asking: readonly string[] = []): SessionView {
  return {
    pageId: 'here',
    clockSkew: 0,
    run: run?.run ?? null,
    snapshot: {
      session: 'quiet-fox-42',
      generation: 4,
      members: members(pages, asking),
      agents: [],
      controlled: true,
      admission: asking.length > 0 ? 'ask' : 'open',
      offer: null,
      run: null,
      serverTime: NOW,
    },
  }
}

/** Networks to try algorithms on: what links cost on three kinds of them, and ranks spread over machines. */
import type { LinkCost } from '../cost-model.ts'
import { type LinkClass, topologyOf } from '../topology.ts'
import type { SimulatedNetwork } from './simulator.ts'

/** Bytes of payload, as on WebRTC. */
const MESSAGE_BYTES = 65_536

/** Ports between tabs of one browser, as measured (docs/benchmarks.md). */
const INSIDE: LinkCost = { latencyMs: 0.2, bytesPerSecond: 500e6, gapMs: 0.02 }

/** WebRTC: between tabs of one machine as measured; a local network with good machines; a home uplink. */
export const SIMULATED_LINKS = {
  loopback: { latencyMs: 0.35, bytesPerSecond: 18e6, gapMs: 0.05 },
  lan: { latencyMs: 0.5, bytesPerSecond: 60e6, gapMs: 0.03 },
  wan: { latencyMs: 10, bytesPerSecond: 10e6, gapMs: 0.05 },
} as const satisfies Record<string, LinkCost>

/**
 * `machines[i]` ranks on machine i, each in a tab of its machine's one browser, numbered in turn over the machines. With a
 * `scale` links are so many times slower and messages so many times smaller: fewer bytes then take the times of more.
 */
export function simulatedNetwork(
  machines: readonly number[],
  links: keyof typeof SIMULATED_LINKS,
  scale = 1,
): SimulatedNetwork {
  const seats = machines.flatMap((ranks, machine) => Array.from({ length: ranks }, (_, local) => ({ machine, local })))
  seats.sort((a, b) => a.local - b.local || a.machine - b.machine)
  const places = seats.map(({ machine }, rank) => ({
    pageId: `page-${rank}`,
    browserId: `browser-${machine}`,
    nodeId: `machine-${machine}`,
  }))
  const slower = (cost: LinkCost): LinkCost => ({ ...cost, bytesPerSecond: cost.bytesPerSecond / scale })
  const inside = slower(INSIDE)
  const classes: Record<LinkClass, LinkCost> = {
    page: inside,
    browser: inside,
    machine: inside,
    network: slower(SIMULATED_LINKS[links]),
  }
  return { topology: topologyOf(places), classes, messageBytes: MESSAGE_BYTES / scale }
}

/**
 * The start-up report: who is in (one line a rank, then the backend between two rules), and what the run
 * really uses. Pure: facts in, lines out. Not for: when to print them (run-view.ts).
 */
import { effectiveBatchLine, type LinkReport, type RunState, type SetupEvent } from '@rondo/protocol'
import { count } from './format.ts'

/** Width of the rules that Lightning's users know. */
const RULE = '-'.repeat(100)

/** One line a rank; members count from 1. */
export function memberLine(rank: number, worldSize: number): string {
  return `here: GLOBAL_RANK: ${rank}, MEMBER: ${rank + 1}/${worldSize}`
}

/** Printed when all ranks are in. */
export function registeredLines(run: RunState, links: readonly LinkReport[]): string[] {
  const worldSize = run.seats.length
  return [
    RULE,
    `distributed_backend=${backendInUse(run, links)}`,
    `${worldSize} ${worldSize === 1 ? 'rank trains' : 'ranks train together'}`,
    RULE,
  ]
}

/** The pinned backend, else the carriers that were really taken. */
function backendInUse(run: RunState, links: readonly LinkReport[]): string {
  if (run.config.processGroupBackend !== 'auto') return run.config.processGroupBackend
  const carriers = [...new Set(links.map((link) => link.carrier))].sort()
  return carriers.length > 0 ? carriers.join('+') : run.seats.length === 1 ? 'none (one rank)' : 'auto'
}

/** The report of everything that is used, once all ranks have told. `setups` is indexed by rank. */
export function bannerLines(run: RunState, setups: readonly SetupEvent[], links: readonly LinkReport[]): string[] {
  const { seats } = run
  const first = setups[0]
  if (first === undefined) return []
  const nodes = new Set(seats.map((seat) => seat.nodeRank)).size
  const ranks = setups.map((setup, rank) => ({ nodeRank: seats[rank]?.nodeRank ?? 0, setup }))
  const rows: Array<[string, string]> = [
    ['world size', `${seats.length} ${plural(seats.length, 'rank')} on ${nodes} ${plural(nodes, 'node')}`],
    ['strategy', first.strategy],
    ['effective batch', effectiveBatchLine(ranks) || 'not told'],
    ['precision', unique(setups.map((setup) => setup.precision)).join(' / ')],
  ]
  if (first.parameters !== null) rows.push(['parameters', count(first.parameters)])
  setups.forEach((setup, rank) => {
    rows.push([`rank ${rank}`, `${seats[rank]?.nodeLabel || 'this machine'} · ${deviceText(setup)}`])
  })
  for (const note of sharedAdapters(run, setups)) rows.push(['note', note])
  if (links.length > 0) rows.push(['links', linksText(links)])
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)
}

/** `webgpu on nvidia ampere (reason)`, with software adapters marked. */
export function deviceText(setup: SetupEvent): string {
  const adapter = setup.adapter === null ? '' : ` on ${setup.adapter}`
  const software = setup.software ? ' [software adapter: slow]' : ''
  return `${setup.accelerator}${adapter}${software}${setup.reason === '' ? '' : ` (${setup.reason})`}`
}

function sharedAdapters(run: RunState, setups: readonly SetupEvent[]): string[] {
  const byAdapter = new Map<string, number[]>()
  setups.forEach((setup, rank) => {
    if (setup.adapter === null) return
    const key = `${run.seats[rank]?.nodeId ?? ''}\n${setup.adapter}`
    byAdapter.set(key, [...(byAdapter.get(key) ?? []), rank])
  })
  return [...byAdapter]
    .filter(([, ranks]) => ranks.length > 1)
    .map(
      ([key, ranks]) =>
        `${ranks.length} ranks (${ranks.join(', ')}) share adapter ${key.split('\n')[1]}: that does not add speed`,
    )
}

/**
 * Each pair once, grouped by carrier, its connections and what the path begins with at either end:
 * `0–1, 1–2 webrtc ×4 (host) · 0–2 webrtc (host/srflx) · 0–3 port`.
 */
function linksText(links: readonly LinkReport[]): string {
  const pairs = new Map<string, string>()
  for (const { from, to, carrier, connections = 1 } of links) {
    const ends = links.filter(
      (link) => (link.from === from && link.to === to) || (link.from === to && link.to === from),
    )
    const candidates = unique(ends.flatMap(({ candidate }) => candidate ?? [])).sort()
    const several = connections > 1 ? ` ×${connections}` : ''
    const path = candidates.length > 0 ? ` (${candidates.join('/')})` : ''
    pairs.set(`${Math.min(from, to)}–${Math.max(from, to)}`, `${carrier}${several}${path}`)
  }
  const carriers = unique([...pairs.values()])
  return carriers
    .map((carrier) => `${[...pairs].flatMap(([pair, used]) => (used === carrier ? [pair] : [])).join(', ')} ${carrier}`)
    .join(' · ')
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)]
}

function plural(n: number, word: string): string {
  return n === 1 ? word : `${word}s`
}

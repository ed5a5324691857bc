/**
 * N ranks in one thread over in-memory links: every layer above the links can be tested without a browser.
 * For tests only.
 */
import { createProcessGroup, singleProcessGroup } from '@rondo/collectives'
import { selectAccelerator } from '@rondo/engine'
import type { RankEvent, RunConfig, Seat } from '@rondo/protocol'
import { type MemoryMesh, memoryMesh } from '@rondo/transport'
import { RankContext, type RunFiles } from '../context.ts'

export interface RanksOptions {
  accelerator?: 'cpu' | 'wasm'
  config?: Partial<RunConfig>
  stepTimeoutMs?: number
  /** Contexts of a notebook's job and not of a script. */
  job?: 'launch' | 'cell'
  /** Each rank's files; default: one memory for all, as the main node's folder is. */
  files?: (rank: number) => RunFiles
}

export interface TestRank {
  context: RankContext
  events: RankEvent[]
}

/** Runs `program` on every rank at once and returns their results by rank. Rejects as the first failing rank does. */
export async function runRanks<T>(
  worldSize: number,
  program: (rank: TestRank, mesh: MemoryMesh) => Promise<T>,
  options: RanksOptions = {},
): Promise<T[]> {
  const accelerator = await selectAccelerator(options.accelerator ?? 'cpu', { localRanks: 1 })
  const mesh = memoryMesh(worldSize)
  const seats = Array.from({ length: worldSize }, (_, rank) => seatOf(rank))
  const files = memoryFiles()
  const ranks = await Promise.all(
    seats.map(async ({ rank }) => {
      const abort = new AbortController()
      const events: RankEvent[] = []
      const group =
        worldSize === 1
          ? singleProcessGroup()
          : await createProcessGroup({
              rank,
              worldSize,
              generation: 1,
              links: mesh.links[rank] ?? new Map(),
              nodeLabels: seats.map((seat) => seat.nodeLabel),
              timeoutMs: options.stepTimeoutMs ?? 10_000,
              signal: abort.signal,
            })
      const context = new RankContext({
        group,
        seats,
        config: configOf(worldSize, options.config),
        accelerator,
        files: options.files?.(rank) ?? files,
        emit: (event) => events.push(event),
        signal: abort.signal,
        job: options.job ?? null,
      })
      return { context, events }
    }),
  )
  return Promise.all(
    ranks.map(async (rank) => {
      try {
        return await program(rank, mesh)
      } catch (error) {
        rank.context.group.abort(error instanceof Error ? error : new Error(String(error)))
        throw error
      }
    }),
  )
}

function seatOf(rank: number): Seat {
  return {
    rank,
    nodeRank: 0,
    localRank: rank,
    memberId: `m${rank}`,
    pageId: `p${rank}`,
    browserId: null,
    nodeId: 'n0',
    nodeLabel: 'test node',
    state: 'running',
    lastSeen: null,
  }
}

/** The configuration of a run with `worldSize` ranks on one node. */
export function configOf(worldSize: number, overrides: Partial<RunConfig> = {}): RunConfig {
  return {
    runId: 'test',
    script: { name: 'test.ts', url: '/test.js', hash: '' },
    args: [],
    devices: worldSize,
    numNodes: 1,
    explicit: [],
    processGroupBackend: 'auto',
    startTimeoutSeconds: 10,
    stepTimeoutSeconds: 10,
    debug: 'off',
    env: {},
    ...overrides,
  }
}

/** A run's folder in memory. */
export function memoryFiles(files = new Map<string, Uint8Array<ArrayBuffer>>()): RunFiles {
  return {
    async write(name, bytes) {
      files.set(name, bytes)
    },
    async append(name, bytes, at) {
      const before = files.get(name) ?? new Uint8Array(0)
      if (at > before.byteLength) throw new Error(`${name} has no byte ${at}`)
      files.set(name, Uint8Array.from([...before.subarray(0, at), ...bytes]))
    },
    async read(name) {
      const bytes = files.get(name)
      if (!bytes) throw new Error(`no file ${name}`)
      return bytes
    },
    async remove(name) {
      files.delete(name)
    },
    async list(folder) {
      const prefix = folder === '' ? '' : `${folder}/`
      const below = [...files.keys()].filter((name) => name.startsWith(prefix))
      return [...new Set(below.map((name) => name.slice(prefix.length).split('/')[0] as string))]
    },
    async link(name, target) {
      const bytes = files.get(target)
      if (!bytes) throw new Error(`no file ${target}`)
      files.set(name, bytes)
    },
  }
}

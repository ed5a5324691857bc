/**
 * What the `%dist_…` magics do: ranks that stay, cells on all or some of them, and their values side by side. Not for:
 * reading magics (@rondo/kernel) or the ranks themselves (pool/).
 */
import type { Magic, MagicContext } from '@rondo/kernel'
import { decodeValue } from '@rondo/kernel/fork'
import { RondoError } from '@rondo/protocol'
import { localModules } from './imports.ts'
import type { DistStatus } from './messages.ts'
import type { PageRequests } from './page-requests.ts'
import { RankTable, RankValues } from './rank-values.ts'

/** Bytes of a mebibyte, the unit in which memory is told. */
const MIB = 1_048_576

export interface DistMagicsOptions {
  requests: PageRequests
  /** Top-level names of the notebook: instances of its classes that come back keep their class. */
  names(): Readonly<Record<string, unknown>>
  /** Makes a module of the served folder available to the ranks. */
  openModule(specifier: string): Promise<unknown>
}

export class DistMagics {
  readonly #options: DistMagicsOptions
  /** Whether plain cells go to all ranks. */
  #everywhere = false
  /** Ranks of the last `%dist_init`; null when there are none. */
  #worldSize: number | null = null

  constructor(options: DistMagicsOptions) {
    this.#options = options
  }

  /** The magic that a plain cell stands for; undefined where cells stay in the kernel. */
  forPlainCell(code: string): Magic | undefined {
    return this.#everywhere && !/^\s*%/.test(code) ? { name: 'distributed', body: code } : undefined
  }

  /** @returns the cell's value, or undefined */
  async run(magic: Magic, context: MagicContext): Promise<unknown> {
    const { requests } = this.#options
    const { executionId } = context
    switch (magic.name) {
      case 'dist_init': {
        const { numProcesses, slots } = magic
        const status = await requests.ask<DistStatus>(executionId, { do: 'dist:init', numProcesses, slots })
        this.#worldSize = status.ranks.length
        return statusTable(status)
      }
      case 'distributed':
        return this.#runCell(magic.body, null, context)
      case 'rank':
        return this.#runCell(magic.body, magic.ranks, context)
      case 'sync':
        this.#requireRanks('%sync')
        await requests.ask(executionId, { do: 'dist:sync' })
        return undefined
      case 'dist_status':
        this.#requireRanks('%dist_status')
        return statusTable(await requests.ask<DistStatus>(executionId, { do: 'dist:status' }))
      case 'dist_mode':
        if (magic.on) this.#requireRanks('%dist_mode on')
        this.#everywhere = magic.on
        return undefined
      case 'dist_shutdown':
        this.#requireRanks('%dist_shutdown')
        await requests.ask(executionId, { do: 'dist:shutdown' })
        this.#forget()
        return undefined
      case 'magics':
      case 'time':
        throw new Error(`invariant violation: the kernel runs %${magic.name} itself`)
      default:
        return magic satisfies never
    }
  }

  async #runCell(code: string, ranks: number[] | null, context: MagicContext): Promise<unknown> {
    const { requests, names, openModule } = this.#options
    const worldSize = this.#requireRanks(ranks === null ? '%%distributed' : '%%rank')
    const outside = ranks?.find((rank) => rank >= worldSize)
    if (outside !== undefined) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `%%rank [${ranks?.join(',')}]: there is no rank ${outside}; ranks are 0 to ${worldSize - 1}. Name some of these.`,
      )
    }
    // Ranks may load only what the notebook itself has asked for.
    await Promise.all(localModules(code).map(openModule))
    const { cellId, cellNumber, executionId } = context
    const encoded = await requests.ask<Array<ArrayBuffer | null>>(executionId, {
      do: 'dist:run',
      code,
      cellId,
      cellNumber,
      ranks,
    })
    const { resultCodecs } = await import('./codecs.ts')
    const values = await Promise.all(
      encoded.map(async (bytes, at) => ({
        rank: ranks?.[at] ?? at,
        value: bytes === null ? undefined : await decodeValue(bytes, { codecs: resultCodecs, names: names() }),
      })),
    )
    return values.every(({ value }) => value === undefined) ? undefined : new RankValues(values)
  }

  #requireRanks(what: string): number {
    if (this.#worldSize !== null) return this.#worldSize
    throw new RondoError(
      'NOT_LAUNCHED',
      `${what}: there are no persistent ranks. Start them with %dist_init --num-processes 2 in a cell of its own.`,
    )
  }

  #forget(): void {
    this.#worldSize = null
    this.#everywhere = false
  }
}

function statusTable({ ranks }: DistStatus): RankTable {
  return new RankTable(
    ['rank', 'node', 'device', 'state', 'memory', 'last line'],
    ranks.map(({ rank, node, adapter, alive, busy, memoryBytes, lastLine }) => [
      rank,
      node,
      adapter,
      alive ? (busy ? 'busy' : 'idle') : 'gone',
      memoryBytes === null ? 'unknown' : `${(memoryBytes / MIB).toFixed(1)} MiB`,
      lastLine,
    ]),
  )
}

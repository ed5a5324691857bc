/**
 * The page of the rank pool's tests: a notebook without views. The real kernel (on the page's own thread, so that one
 * script does), the real pool, this page's slots, and cells that tests run by text.
 */

import { describeDevice } from '@rondo/engine/device'
import { NodeHost } from '@rondo/fabric/page'
import { toWireError } from '@rondo/protocol'
import { browserIdentity, SignalingClient } from '@rondo/transport'
import { CellFailure } from '../../apps/notebook/src/kernel/client.ts'
import { KernelHost } from '../../apps/notebook/src/kernel/kernel-host.ts'
import type { FromKernel, PageRequest } from '../../apps/notebook/src/kernel/messages.ts'
import type { JobListeners, PoolEvent } from '../../apps/notebook/src/pool/events.ts'
import { RankPool } from '../../apps/notebook/src/pool/rank-pool.ts'
import type { CellSeen, OpenOptions } from './rank-pool-messages.ts'

let host: KernelHost | null = null
let pool: RankPool | null = null
let interrupted = new AbortController()
let cells = 0
const running = new Map<string, { seen: CellSeen; resolve(seen: CellSeen): void }>()
const events: PoolEvent[] = []

async function open({ session, joinToken, controlToken, slots, label }: OpenOptions): Promise<void> {
  const url = location.origin
  const pageId = crypto.randomUUID()
  const page = new SignalingClient({ url, session, token: joinToken, role: 'page' })
  const browserId = await browserIdentity()
  await page.connect()
  const onError = (error: unknown): void => console.error(error)
  const ranks = new NodeHost({ client: page, browserId, uploadToken: joinToken, onError })
  const node = { id: pageId, label }
  const device = await describeDevice()
  await page.request('join', { pageId, browserId, node, firstLocalRank: null, slots, device })
  if (controlToken === null) return
  const client = new SignalingClient({ url, session, token: controlToken, role: 'controller' })
  await client.connect()
  pool = new RankPool({
    client,
    origin: url,
    joinToken,
    controlToken,
    localPageId: () => pageId,
    directRanks: () => ranks,
  })
  host = new KernelHost({ origin: url, token: joinToken, post: receive })
}

function receive(message: FromKernel): void {
  switch (message.type) {
    case 'outputs':
      for (const { executionId, output } of message.items) running.get(executionId)?.seen.outputs.push(output)
      return
    case 'done': {
      const cell = running.get(message.executionId)
      running.delete(message.executionId)
      cell?.resolve({ ...cell.seen, status: message.status, milliseconds: message.milliseconds })
      return
    }
    case 'request':
      void answer(message.requestId, message.request)
      return
    default:
  }
}

async function answer(requestId: number, request: PageRequest): Promise<void> {
  try {
    const listeners: JobListeners = { signal: interrupted.signal, onEvent: (event) => events.push(event) }
    const value = await perform(pool as RankPool, request, listeners)
    host?.receive({ type: 'reply', requestId, value, error: null })
  } catch (thrown) {
    const error = thrown instanceof CellFailure ? thrown.cellError : toWireError(thrown)
    host?.receive({ type: 'reply', requestId, value: null, error })
  }
}

function perform(ranks: RankPool, request: PageRequest, listeners: JobListeners): Promise<unknown> {
  switch (request.do) {
    case 'launch':
      return ranks.launch(request.program, request.options, listeners)
    case 'dist:init':
      return ranks.distInit(request, listeners)
    case 'dist:run':
      return ranks.distRun(request, listeners)
    case 'dist:sync':
      return ranks.distSync(listeners)
    case 'dist:status':
      return ranks.distStatus()
    case 'dist:shutdown':
      return ranks.distShutdown()
    case 'slots':
      return Promise.resolve(ranks.slots())
    default:
      return request satisfies never
  }
}

globalThis.rankPoolPage = {
  open,
  cell(code) {
    cells += 1
    const executionId = `execution-${cells}`
    interrupted = new AbortController()
    events.length = 0
    return new Promise((resolve) => {
      running.set(executionId, { seen: { status: 'ok', milliseconds: 0, outputs: [] }, resolve })
      host?.receive({ type: 'execute', executionId, cellId: `cell-${cells}`, cellNumber: cells, code })
    })
  },
  interrupt() {
    host?.receive({ type: 'interrupt' })
    interrupted.abort(new DOMException('interrupted', 'AbortError'))
  },
  stop: async () => pool?.stop(),
  slots: () => pool?.slots() ?? [],
  state: () => pool?.state ?? 'none',
  events: () => events,
}

/**
 * Answers what the kernel asks of the page: launches and persistent ranks go to the pool, their events to the panel
 * under the asking cell. Not for: the kernel's side of it (kernel/).
 */
import type { KernelOutput } from '@rondo/kernel/output'
import { RondoError } from '@rondo/protocol'
import type { RequestOrigin } from '../kernel/client.ts'
import type { PageRequest, SlotInfo } from '../kernel/messages.ts'
import type { JobListeners, PoolEvent } from '../pool/events.ts'
import type { NotebookSession } from './notebook-session.ts'
import { withoutSession } from './params.ts'
import type { RunPanels } from './run-panels.ts'

export interface AnswerOptions {
  /** null while the notebook controls no session. */
  session: NotebookSession | null
  panels: RunPanels
  /** Adds to the outputs of an execution. */
  show(executionId: string, output: KernelOutput): void
}

export function createAnswers({ session, panels, show }: AnswerOptions) {
  /** Who hears of a job: the cell's panel, and the devices panel while ranks are being started. */
  const listeners = (
    origin: RequestOrigin,
    call: string,
    title: string,
    keepsSilentPanel: boolean,
    owner: NotebookSession,
  ): JobListeners => {
    const tell = panels.begin({
      cellId: origin.cellId,
      title,
      keepsSilentPanel,
      show: (output) => show(origin.executionId, output),
    })
    return {
      signal: origin.signal,
      onEvent(event: PoolEvent) {
        tell(event)
        owner.store.dispatch({ type: 'waiting', waiting: waitingFor(event, call, owner.store.peek().waiting) })
        if (event.type === 'ended') owner.applySlots().catch(owner.fail)
      },
    }
  }

  return async (request: PageRequest, origin: RequestOrigin): Promise<unknown> => {
    if (session === null) {
      if (request.do === 'slots') return []
      throw new RondoError('NOT_LAUNCHED', `This notebook controls no session. ${withoutSession(location.href)}`)
    }
    await session.ready(origin.signal)
    const { pool } = session
    switch (request.do) {
      case 'launch': {
        const { program, options } = request
        const { call, name } = options
        return pool.launch(program, options, listeners(origin, call, `${call}(${name})`, true, session))
      }
      case 'dist:init':
        return pool.distInit(request, listeners(origin, '%dist_init', '%dist_init', false, session))
      case 'dist:run': {
        const title = request.ranks === null ? '%%distributed' : `%%rank [${request.ranks.join(', ')}]`
        return pool.distRun(request, listeners(origin, title, title, false, session))
      }
      case 'dist:sync':
        return pool.distSync({ signal: origin.signal })
      case 'dist:status':
        return pool.distStatus()
      case 'dist:shutdown':
        await pool.distShutdown()
        return session.applySlots()
      case 'slots':
        return pool.slots().map(({ memberId: _, nodeId: __, ...info }): SlotInfo => info)
      default:
        return request satisfies never
    }
  }
}

type Waiting = ReturnType<NotebookSession['store']['peek']>['waiting']

function waitingFor(event: PoolEvent, call: string, before: Waiting): Waiting {
  switch (event.type) {
    case 'open':
    case 'run': {
      const { seats } = event.run
      const here = seats.filter(({ state }) => state === 'running' || state === 'done').length
      const warm = event.type === 'open' && event.warm
      return warm || here === seats.length
        ? null
        : { call, asked: seats.length, here, since: before?.since ?? Date.now() }
    }
    case 'started':
    case 'ended':
      return null
    case 'rank':
    case 'output':
    case 'rank-ended':
      return before
    default:
      return event satisfies never
  }
}

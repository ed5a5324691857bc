/**
 * Puts kernel, session and panels together for the shell: one kernel, one session, one set of panels a page. Not for:
 * how any of them works, nor for layout.
 */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { VNode } from 'preact'
import { DevicesPanel } from './devices/index.ts'
import { KernelClient } from './kernel/client.ts'
import type { KernelPort } from './kernel/port.ts'
import type { RunPanelView } from './run-panel/index.ts'
import { createAnswers } from './session/answers.ts'
import { NotebookSession } from './session/notebook-session.ts'
import { maxSlots } from './session/own-slots.ts'
import { inviteLink, isLocalAddress, takeSessionLink, withoutSession } from './session/params.ts'
import { RunPanels } from './session/run-panels.ts'
import { ServerNotice } from './session/server-notice.tsx'

/** Milliseconds between two looks at the clock for "3 s ago". */
const CLOCK_MS = 1_000

export interface Wiring {
  readonly kernel: KernelPort
  /** The live panel of a cell whose launch goes on, to be shown below its outputs; null otherwise. */
  runPanel(cellId: string): ReadonlySignal<RunPanelView | null>
  /** The side panel "Devices". Follows the session by itself. */
  readonly Devices: () => VNode
  /** What the session has to say above everything: a server that is away. */
  readonly Notice: () => VNode | null
  /** True while the notebook controls a session. */
  readonly hasSession: boolean
  /** Ends kernel, ranks and connections. */
  dispose(): void
}

/** Random bits of a page's id. Works on insecure pages too, where `crypto.randomUUID` is missing. */
const PAGE_ID_BYTES = 12

export function createWiring(): Wiring {
  const link = takeSessionLink({
    address: location.href,
    storage: tabStorage(),
    replaceAddress: (address) => history.replaceState(history.state, '', address),
  })
  const pageId = newPageId()
  const session = link === null ? null : new NotebookSession(link, pageId)
  const panels = new RunPanels(() => session?.store.peek() ?? { pageId, clockSkew: 0 })
  const kernel: KernelClient = new KernelClient({
    token: link?.controlToken ?? '',
    answer: createAnswers({ session, panels, show: (executionId, output) => kernel.show(executionId, output) }),
  })
  const now = signal(Date.now())
  const clock = setInterval(() => {
    now.value = Date.now()
  }, CLOCK_MS)

  const Devices = (): VNode => {
    if (session === null || link === null) {
      return (
        <section aria-label="Devices" class="no-session">
          <h2>Devices</h2>
          <p>{withoutSession(location.href)}</p>
        </section>
      )
    }
    const state = session.store.published.value
    return (
      <DevicesPanel
        session={{ ...state, run: panels.latest.value }}
        now={now.value}
        connection={state.connection}
        slots={{ count: session.slots.value, max: maxSlots() }}
        waiting={state.waiting}
        invite={{ link: inviteLink(link), local: isLocalAddress(link.invite) }}
        actions={{
          setSlots: (slots) => void session.setSlots(slots).catch(session.fail),
          setAsking: (asking) => session.setAsking(asking),
          admit: (page) => session.admitPage(page),
          remove: (page) => session.removePage(page),
        }}
      />
    )
  }
  const Notice = (): VNode | null =>
    session === null ? null : <ServerNotice connection={session.store.published.value.connection} />
  return {
    kernel,
    runPanel: (cellId) => panels.live(cellId),
    Devices,
    Notice,
    hasSession: session !== null,
    dispose() {
      clearInterval(clock)
      kernel.dispose()
      session?.dispose()
    },
  }
}

function tabStorage(): Storage | null {
  try {
    return sessionStorage
  } catch {
    return null
  }
}

function newPageId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(PAGE_ID_BYTES)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}

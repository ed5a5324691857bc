/**
 * The panels under cells that launched something: one live panel a cell while its job goes on, which becomes an output
 * of the cell when the job is over. Not for: what a panel shows (run-panel/).
 */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { KernelOutput } from '@rondo/kernel/output'
import { createStore, type RunProgress, type Store } from '@rondo/ui/session'
import type { PoolEvent } from '../pool/events.ts'
import {
  freezeRun,
  isFrequent,
  newRunPanel,
  panelView,
  type RunPanelAction,
  type RunPanelState,
  type RunPanelView,
  runPanelReducer,
} from '../run-panel/index.ts'
import { RankOutputs } from './rank-outputs.ts'
import type { SessionState } from './state.ts'

/** Milliseconds between two looks at the clock: times are shown in seconds. */
const TICK_MS = 1_000

export interface JobOfCell {
  cellId: string
  /** What the cell called, as people wrote it: `fabric.launch(train)`. */
  title: string
  /** A panel that tells nothing (no training, no console, no failure) is dropped at the end. */
  keepsSilentPanel: boolean
  /** Adds to the cell's outputs. */
  show(output: KernelOutput): void
}

type PanelStore = Store<RunPanelState, RunPanelAction>

export class RunPanels {
  readonly #session: () => Pick<SessionState, 'pageId' | 'clockSkew'>
  readonly #views = new Map<string, Signal<ReadonlySignal<RunPanelView> | null>>()
  readonly #latest = signal<PanelStore | null>(null)
  readonly #now = signal(Date.now())
  /** What is known of the job that was begun last, null before the first. */
  readonly latest: ReadonlySignal<RunProgress | null> = computed(() => this.#latest.value?.published.value.run ?? null)
  #jobs = 0
  #running = 0
  #timer: ReturnType<typeof setInterval> | null = null

  constructor(session: () => Pick<SessionState, 'pageId' | 'clockSkew'>) {
    this.#session = session
  }

  /** The live panel of a cell, null while none of its jobs goes on. */
  live(cellId: string): ReadonlySignal<RunPanelView | null> {
    const view = this.#view(cellId)
    return computed(() => view.value?.value ?? null)
  }

  /** @returns what hears of the job, from its first event to its last */
  begin(job: JobOfCell): (event: PoolEvent) => void {
    this.#jobs += 1
    const outputs = new RankOutputs(`job ${this.#jobs}`, job.show)
    let store: PanelStore | null = null
    return (event) => {
      switch (event.type) {
        case 'open':
          store = this.#open(job, event)
          return
        case 'run':
          store?.dispatch({ type: 'run', run: event.run })
          return
        case 'rank':
          store?.dispatch({ type: 'event', rank: event.rank, event: event.event, at: Date.now() })
          return
        case 'output':
          outputs.take(event.rank, event.output)
          return
        case 'ended':
          // Refused before any rank was chosen: the cell's error says all there is.
          if (store !== null) this.#close(job, store, event)
          return
        case 'started':
        case 'rank-ended':
          return
        default:
          event satisfies never
      }
    }
  }

  #open({ cellId, title }: JobOfCell, { run }: Extract<PoolEvent, { type: 'open' }>): PanelStore {
    const store = createStore(newRunPanel(title, run, Date.now()), runPanelReducer, isFrequent)
    this.#view(cellId).value = computed(() =>
      panelView(store.published.value, { ...this.#session(), now: this.#now.value }),
    )
    this.#latest.value = store
    this.#running += 1
    this.#timer ??= setInterval(() => {
      this.#now.value = Date.now()
    }, TICK_MS)
    return store
  }

  #close(job: JobOfCell, store: PanelStore, { status, error }: Extract<PoolEvent, { type: 'ended' }>): void {
    const now = Date.now()
    store.dispatch({ type: 'end', status, error, at: now })
    const view = panelView(store.peek(), { ...this.#session(), now })
    const tells = view.training !== null || view.consoles.groups.length > 0 || status !== 'done'
    if (tells || job.keepsSilentPanel) {
      job.show({ kind: 'display', data: freezeRun(view), metadata: {}, displayId: null, update: false })
    }
    this.#view(job.cellId).value = null
    this.#running -= 1
    if (this.#running === 0 && this.#timer !== null) {
      clearInterval(this.#timer)
      this.#timer = null
    }
  }

  #view(cellId: string): Signal<ReadonlySignal<RunPanelView> | null> {
    const known = this.#views.get(cellId)
    if (known !== undefined) return known
    const made = signal<ReadonlySignal<RunPanelView> | null>(null)
    this.#views.set(cellId, made)
    return made
  }
}

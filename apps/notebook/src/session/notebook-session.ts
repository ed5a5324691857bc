/**
 * The notebook's page in its session: it controls (opens and commands runs) on one connection and takes part with
 * slots of its own on another. Not for: running launches (pool/) or showing anything.
 */
import { effect, signal } from '@preact/signals'
import { describeDevice } from '@rondo/engine/device'
import type { NodeHost } from '@rondo/fabric/page'
import { RondoError, toWireError } from '@rondo/protocol'
import { browserIdentity, type ConnectionState, SignalingClient } from '@rondo/transport'
import { createStore, type Store } from '@rondo/ui/session'
import { RankPool } from '../pool/rank-pool.ts'
import { GiveWay } from './give-way.ts'
import { maxSlots, rememberedSlots, rememberSlots } from './own-slots.ts'
import type { SessionLink } from './params.ts'
import { initialSession, reduceSession, type SessionAction, type SessionState } from './state.ts'

/** Milliseconds that a launch waits for this page's own slots to be there. */
const JOIN_TIMEOUT_MS = 30_000

/** Both connections and what runs on them. */
interface Line {
  control: SignalingClient
  page: SignalingClient
  pool: RankPool
  /** Resolves when this page's slots are in the session. */
  joined: Promise<void>
}

export class NotebookSession {
  readonly store: Store<SessionState, SessionAction>
  /** Ranks that this page may run. */
  readonly slots = signal(rememberedSlots())
  readonly #link: SessionLink
  readonly #pageId: string
  readonly #giveWay: GiveWay
  readonly #line: Line
  /** Runs this page's ranks; its code comes when it is needed. */
  #host: NodeHost | null = null
  /** The slots that the session knows of. */
  #joinedSlots = 0

  constructor(link: SessionLink, pageId: string) {
    this.#link = link
    this.#pageId = pageId
    this.store = createStore(initialSession(pageId), reduceSession, () => false)
    this.#giveWay = new GiveWay(link.session, () => this.#line.pool.giveWay())
    this.#line = this.#connect()
    addEventListener('beforeunload', (event) => {
      if (this.#line.pool.busy || this.#line.pool.state === 'persistent') event.preventDefault()
    })
  }

  get pool(): RankPool {
    return this.#line.pool
  }

  /** Resolves when a launch can see this page's own slots. Rejects with the reason why it cannot. */
  async ready(abort: AbortSignal): Promise<void> {
    const { joined } = this.#line
    const deadline = AbortSignal.any([abort, AbortSignal.timeout(JOIN_TIMEOUT_MS)])
    await Promise.race([
      joined.then(() => this.#present(deadline)),
      new Promise<never>((_, reject) => {
        const give = (): void => reject(abort.aborted ? abort.reason : notConnected())
        if (deadline.aborted) give()
        else deadline.addEventListener('abort', give, { once: true })
      }),
    ])
  }

  /** After a server came back, its session knows this page's slots a moment later than it answers. */
  async #present(deadline: AbortSignal): Promise<void> {
    if (this.#joinedSlots === 0) return
    await new Promise<void>((resolve) => {
      const stop = effect(() => {
        const { connection, snapshot, fresh } = this.store.published.value
        const isHere = fresh && snapshot?.members.some((member) => member.pageId === this.#pageId) === true
        // Without a server the launch itself says what it lacks.
        if (isHere || connection !== 'online') queueMicrotask(() => end())
      })
      const end = (): void => {
        stop()
        deadline.removeEventListener('abort', end)
        resolve()
      }
      deadline.addEventListener('abort', end, { once: true })
    })
  }

  /** Changes how many ranks this page may run: at once, or when the present job is over. Warm ranks are given up. */
  async setSlots(slots: number): Promise<void> {
    this.slots.value = Math.min(Math.max(0, slots), maxSlots())
    rememberSlots(this.slots.value)
    await this.applySlots()
  }

  /** Called after each job too, for a change that came meanwhile. */
  async applySlots(): Promise<void> {
    const { pool, joined } = this.#line
    if (this.slots.value === this.#joinedSlots || pool.busy || pool.state === 'persistent') return
    await joined.catch(() => {})
    if (this.slots.value === this.#joinedSlots || pool.busy) return
    await pool.dispose()
    this.#line.joined = this.#join(this.#line)
    await this.#line.joined.catch(this.fail)
  }

  /** Whether machines that join from now on wait until a person lets them in; those that wait are let in by false. */
  setAsking(asking: boolean): void {
    this.#line.control.request('session:admission', { admission: asking ? 'ask' : 'open' }).catch(this.fail)
  }

  /** Lets a page that waits take part. */
  admitPage(pageId: string): void {
    this.#line.control.request('page:admit', { pageId }).catch(this.fail)
  }

  /** Sends a page away; it cannot come back as the same one. */
  removePage(pageId: string): void {
    this.#line.control.request('page:remove', { pageId, reason: 'sent away in the notebook' }).catch(this.fail)
  }

  /** Ends ranks and connections, as closing the page does. */
  dispose(): void {
    this.#giveWay.close()
    void this.#line.pool.dispose()
    this.#host?.dispose()
    this.#line.page.close()
    this.#line.control.close()
  }

  readonly fail = (thrown: unknown): void => {
    this.store.dispatch({ type: 'notice', error: toWireError(thrown) })
  }

  #connect(): Line {
    const { session, controlToken, joinToken } = this.#link
    const url = location.origin
    // Editing and local ranks go on without the server, so whenever it is back it finds this page.
    const lasting = { url, session, reconnectTimeoutMs: null }
    const control = new SignalingClient({ ...lasting, token: controlToken, role: 'controller' })
    const page = new SignalingClient({ ...lasting, token: joinToken, role: 'page', runEvents: false })
    const pool = new RankPool({
      client: control,
      origin: url,
      joinToken,
      controlToken,
      askOthers: (signal) => this.#giveWay.ask(signal),
      directRanks: () => this.#host,
      localPageId: () => (this.#joinedSlots > 0 ? this.#pageId : null),
    })
    const { dispatch } = this.store
    control.on('session', (snapshot) => dispatch({ type: 'session', snapshot, at: Date.now() }))
    control.on('refused', (error) => dispatch({ type: 'notice', error }))
    control.onConnection((state) => dispatch({ type: 'connection', connection: CONNECTIONS[state] }))
    const joined = this.#enter(control, page)
    joined.catch(this.fail)
    return { control, page, pool, joined }
  }

  async #enter(control: SignalingClient, page: SignalingClient): Promise<void> {
    await Promise.all([control.connect(), page.connect()])
    await this.#join({ control, page })
  }

  async #join({ control, page }: Pick<Line, 'control' | 'page'>): Promise<void> {
    const slots = this.slots.value
    if (slots === 0) {
      this.#host?.dispose()
      this.#host = null
      await page.request('leave', {})
      this.#joinedSlots = 0
      return
    }
    const [{ NodeHost }, device, browserId] = await Promise.all([
      import('@rondo/fabric/page'),
      describeDevice(),
      browserIdentity(),
    ])
    // It listens before the request goes out: the answer and the start of a waiting run may arrive as one.
    this.#host ??= new NodeHost({ client: page, browserId, uploadToken: this.#link.joinToken, onError: this.fail })
    await page.request('join', {
      pageId: this.#pageId,
      browserId,
      node: { id: this.#pageId, label: ownLabel() },
      firstLocalRank: null,
      slots,
      device,
    })
    // Who controls the session need not ask itself.
    await control.request('page:admit', { pageId: this.#pageId })
    this.#joinedSlots = slots
    this.store.dispatch({ type: 'notice', error: null })
  }
}

const CONNECTIONS = { connected: 'online', reconnecting: 'offline', closed: 'closed' } as const satisfies Record<
  Exclude<ConnectionState, 'idle' | 'connecting'>,
  SessionState['connection']
>

/** What others call this page. */
function ownLabel(): string {
  const system = /Windows|Macintosh|Android|iPhone|iPad|CrOS|Linux/.exec(navigator.userAgent)?.[0] ?? ''
  const name = system === 'Macintosh' ? 'Mac' : system === 'CrOS' ? 'Chromebook' : system
  return name === '' ? 'Notebook' : `Notebook (${name})`
}

function notConnected(): RondoError {
  return new RondoError(
    'CONNECTION_LOST',
    `The session did not let this page's devices in within ${JOIN_TIMEOUT_MS / 1000} s. Is "npm start" still running? Look at the Devices panel, then launch again.`,
  )
}

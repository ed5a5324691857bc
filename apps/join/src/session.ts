/**
 * The thin shell between page and server: connects, passes server events to the store, and carries out what
 * a person asks for. Ranks themselves are run by the NodeHost, which loads when somebody joins.
 */
import { describeDevice } from '@rondo/engine/device'
import { toWireError } from '@rondo/protocol'
import { browserIdentity, SignalingClient } from '@rondo/transport'
import type { JoinActions } from './actions.ts'
import { suggestedLabel } from './model/device-label.ts'
import type { JoinParams } from './params.ts'
import type { JoinState } from './state.ts'
import type { JoinStore } from './store.ts'

/** What `NodeHost` is to this page: something that ends. Its code is not part of the first load. */
interface Host {
  dispose(): void
}

export class JoinSession implements JoinActions {
  readonly #client: SignalingClient
  readonly #params: JoinParams
  readonly #store: JoinStore
  readonly #device = describeDevice()
  #host: Host | null = null

  constructor(params: JoinParams & { session: string }, store: JoinStore) {
    this.#params = params
    this.#store = store
    const { server: url, session, token } = params
    this.#client = new SignalingClient({ url, session, role: 'page', ...(token === '' ? {} : { token }) })
    this.#listen()
    // Ranks end before their links do: otherwise their last word would be that everybody else is gone.
    addEventListener('pagehide', () => this.#host?.dispose())
  }

  /** Connects, and joins at once where an agent opened this page. Failures end up in the state. */
  async open(): Promise<void> {
    this.#device.then((device) => this.#store.dispatch({ type: 'device', device })).catch(this.#fail)
    const { auto, slots, label } = this.#params
    // What joining needs comes while the line is being made.
    if (auto) void Promise.allSettled([import('@rondo/fabric/page'), browserIdentity()])
    try {
      await this.#client.connect()
    } catch (thrown) {
      this.#store.dispatch({ type: 'refused', error: toWireError(thrown) })
      return
    }
    this.#store.dispatch({ type: 'connection', connection: 'online', at: Date.now() })
    if (auto) await this.#join(slots, label ?? suggestedLabel(navigator.userAgent))
  }

  join(slots: number, label: string): void {
    void this.#join(slots, label)
  }

  leave(): void {
    this.#host?.dispose()
    this.#host = null
    this.#store.dispatch({ type: 'membership', membership: 'left' })
    this.#client.request('leave', {}).catch(this.#fail)
  }

  start(): void {
    this.#request(this.#client.request('run:request', {}))
  }

  stop(): void {
    const runId = this.#store.peek().run?.state.runId
    if (runId === undefined) return
    this.#request(this.#client.request('run:stop', { runId, reason: 'stopped from a join page' }))
  }

  reconnect(): void {
    location.reload()
  }

  async #join(slots: number, label: string): Promise<void> {
    const { nodeId, firstLocalRank, token, iceAddresses } = this.#params
    const { pageId } = this.#store.peek()
    this.#store.dispatch({ type: 'membership', membership: 'joining' })
    try {
      const [{ NodeHost }, device, browserId] = await Promise.all([
        import('@rondo/fabric/page'),
        this.#device,
        browserIdentity(),
      ])
      this.#host?.dispose()
      // It listens before the request goes out: the answer and the start of a waiting run may arrive as one.
      const client = this.#client
      this.#host = new NodeHost({ client, browserId, uploadToken: token, iceAddresses, onError: this.#fail })
      const { snapshot } = await this.#client.request('join', {
        pageId,
        browserId,
        node: { id: nodeId ?? pageId, label },
        firstLocalRank,
        slots,
        device,
      })
      this.#store.dispatch({ type: 'session', snapshot, at: Date.now() })
      this.#store.dispatch({ type: 'membership', membership: 'in' })
      this.#store.dispatch({ type: 'notice', error: null })
    } catch (thrown) {
      this.#host?.dispose()
      this.#host = null
      this.#store.dispatch({ type: 'membership', membership: 'out' })
      this.#fail(thrown)
    }
  }

  #listen(): void {
    const client = this.#client
    const { dispatch } = this.#store
    client.on('session', (snapshot) => dispatch({ type: 'session', snapshot, at: Date.now() }))
    client.on('run:start', (start) => dispatch({ type: 'run:start', start }))
    client.on('run:event', (message) => dispatch({ type: 'run:event', message, at: Date.now() }))
    client.on('run:stop', (message) => dispatch({ type: 'run:stop', message }))
    client.on('refused', (error) => dispatch({ type: 'refused', error }))
    client.onConnection((state, reason) => {
      dispatch({ type: 'connection', connection: CONNECTIONS[state], at: Date.now() })
      if (state === 'closed' && this.#store.peek().snapshot !== null) {
        dispatch({ type: 'notice', error: { code: 'CONNECTION_LOST', name: 'RondoError', message: reason } })
      }
    })
  }

  #request(answer: Promise<unknown>): void {
    answer.then(() => this.#store.dispatch({ type: 'notice', error: null })).catch(this.#fail)
  }

  readonly #fail = (thrown: unknown): void => {
    this.#store.dispatch({ type: 'notice', error: toWireError(thrown) })
  }
}

const CONNECTIONS = { connected: 'online', reconnecting: 'offline', closed: 'closed' } as const satisfies Record<
  string,
  JoinState['connection']
>

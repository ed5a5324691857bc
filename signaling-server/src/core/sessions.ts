/**
 * The sessions of a server: every command of a client as one atomic change of a stored record, after which
 * its effects leave through the outbox. Knows no sockets: connections are ids. Not for: validation of
 * messages, rates, transport.
 */
import {
  type AckValues,
  type AgentHello,
  type Join,
  MAX_SESSIONS,
  type PageAdmit,
  type PageRemove,
  type RankEventMessage,
  RondoError,
  type RunCommand,
  type RunGrow,
  type RunOpen,
  type RunRequest,
  type RunStop,
  type SessionAdmission,
  type SessionSnapshot,
} from '@rondo/protocol'
import { admitPage, setAdmission } from './admission.ts'
import { admitWithoutToken, hello } from './agents.ts'
import { type CommandTarget, commandTargets } from './commands.ts'
import { Deadlines } from './deadlines.ts'
import type { Effect } from './effects.ts'
import { growRun } from './growth.ts'
import { connect, disconnect, join, release, removePage, requireRoom } from './membership.ts'
import { type RankAddress, requireOwnSeat, requirePeer } from './ownership.ts'
import { expireSuspicion, rankEvent } from './rank-events.ts'
import { type Connection, newSession, type SessionRecord, type SessionTokens } from './record.ts'
import { expireStart, isActive, openRun, stopRun } from './runs.ts'
import { type LastSeen, snapshotOf } from './snapshot.ts'
import type { SessionStore } from './store.ts'
import { sameSecret } from './tokens.ts'

/** Milliseconds that a session without connections is kept, when no owner pinned it: an agent may reconnect. */
const EMPTY_SESSION_LINGER_MS = 60_000

/** Where effects go: implemented by the sockets' side. */
export interface Outbox {
  perform(session: string, effect: Exclude<Effect, { kind: 'deadline' }>): void
  lastSeen: LastSeen
}

export class Sessions {
  readonly #store: SessionStore
  readonly #outbox: Outbox
  readonly #deadlines = new Deadlines()

  constructor(store: SessionStore, outbox: Outbox) {
    this.#store = store
    this.#outbox = outbox
  }

  /** A session that stays until the server closes. CONFLICT when the name is taken. */
  async create(name: string, offer: SessionSnapshot['offer'], tokens?: SessionTokens): Promise<SessionTokens> {
    const record = { ...newSession(name, { offer, pinned: true }), ...tokens }
    if (!(await this.#add(record))) {
      throw new RondoError('CONFLICT', `Session ${name} exists already. Choose another name with --session.`)
    }
    return { joinToken: record.joinToken, controlToken: record.controlToken }
  }

  /** False when a session of that name exists. SESSION_FULL when no further one fits. */
  async #add(record: SessionRecord): Promise<boolean> {
    const existing = await this.#store.list()
    if (existing.length >= MAX_SESSIONS) {
      throw new RondoError(
        'SESSION_FULL',
        `Session ${record.name} cannot be made: this server already has ${existing.length}, which is the limit. Use an existing session or another server.`,
      )
    }
    return this.#store.create(record)
  }

  list(): Promise<Readonly<SessionRecord>[]> {
    return this.#store.list()
  }

  /** Runs one atomic change, then lets its effects out. UNKNOWN_SESSION when the session is gone. */
  async #change<T>(name: string, change: (record: SessionRecord) => { value: T; effects: Effect[] }): Promise<T> {
    const outcome = await this.#store.update(name, change)
    if (outcome === undefined) throw unknownSession(name)
    for (const effect of outcome.effects) {
      if (effect.kind !== 'deadline') this.#outbox.perform(name, effect)
      else this.#deadlines.set(`${effect.name}:${name}`, effect.inMs, () => this.#expire(name, effect.name))
    }
    return outcome.value
  }

  #expire(name: string, which: 'start' | 'loss'): void {
    const change = (record: SessionRecord) => {
      const now = Date.now()
      const effects = which === 'start' ? expireStart(record, this.#outbox.lastSeen, now) : expireSuspicion(record, now)
      return { value: undefined, effects }
    }
    this.#change(name, change).catch(ignoreGoneSession)
  }

  /** What `token` allows in a session: nothing (undefined), joining, or control. UNKNOWN_SESSION when there is none. */
  async grant(name: string, token: string | undefined): Promise<'join' | 'control' | undefined> {
    const record = await this.#store.get(name)
    if (record === undefined) throw unknownSession(name)
    if (sameSecret(token, record.controlToken)) return 'control'
    return sameSecret(token, record.joinToken) ? 'join' : undefined
  }

  async exists(name: string): Promise<boolean> {
    return (await this.#store.get(name)) !== undefined
  }

  async connect(name: string, connection: Connection): Promise<SessionSnapshot> {
    this.#deadlines.set(`linger:${name}`, null, () => undefined)
    return this.#change(name, (record) => ({ effects: connect(record, connection), value: this.#snapshot(record) }))
  }

  async disconnect(name: string, connectionId: string): Promise<void> {
    await this.#change(name, (record) => {
      const effects = disconnect(record, connectionId)
      if (record.connections.length === 0 && !record.pinned) this.#linger(name)
      return { value: undefined, effects }
    }).catch(ignoreGoneSession)
  }

  #linger(name: string): void {
    this.#deadlines.set(`linger:${name}`, EMPTY_SESSION_LINGER_MS, () => {
      const drop = async () => {
        const record = await this.#store.get(name)
        if (record?.connections.length !== 0) return
        await this.#store.delete(name)
        for (const which of ['start', 'loss']) this.#deadlines.set(`${which}:${name}`, null, () => undefined)
      }
      drop().catch(ignoreGoneSession)
    })
  }

  /** Takes away what a connection brought. `why` is for people, `seenAt` its last sign of life. */
  async release(name: string, connectionId: string, why: string, seenAt: number): Promise<void> {
    await this.#change(name, (record) => ({
      value: undefined,
      effects: release(record, connectionId, why, seenAt, Date.now()),
    })).catch(ignoreGoneSession)
  }

  join(name: string, connection: Connection, request: Join): Promise<AckValues['join']> {
    return this.#change(name, (record) => {
      const { members, effects } = join(record, connection, request, Date.now())
      return { value: { members, snapshot: this.#snapshot(record) }, effects }
    })
  }

  /** An agent whose token was checked before, if it had one. The first agent makes a session that does not exist. */
  async hello(
    name: string,
    connection: Connection,
    admitted: boolean,
    message: AgentHello,
  ): Promise<AckValues['agent:hello']> {
    // Of agents that come at the same moment one makes the session; the others find it made.
    const create =
      !admitted && !(await this.exists(name)) && (await this.#add(newSession(name, { offer: null, pinned: false })))
    const register = (record: SessionRecord) => {
      if (!admitted) requireRoom(record)
      if (!admitted && !create) admitWithoutToken(record, message)
      const { nodeRank, effects } = hello(record, connection, message, Date.now())
      if (create) connection.control = true
      if (!admitted) effects.push(...connect(record, connection))
      const { joinToken, controlToken } = record
      const value = {
        nodeRank,
        joinToken,
        controlToken: create ? controlToken : null,
        snapshot: this.#snapshot(record),
      }
      return { value, effects }
    }
    try {
      const value = await this.#change(name, register)
      this.#deadlines.set(`linger:${name}`, null, () => undefined)
      return value
    } catch (error) {
      if (create) await this.#store.delete(name)
      throw error
    }
  }

  openRun(name: string, connection: Connection, open: RunOpen): Promise<AckValues['run:open']> {
    return this.#change(name, (record) => {
      const { run, effects } = openRun(record, connection, open, Date.now())
      return { value: { run }, effects }
    })
  }

  growRun(name: string, connection: Connection, grow: RunGrow): Promise<AckValues['run:grow']> {
    return this.#change(name, (record) => {
      const { run, effects } = growRun(record, connection, grow, Date.now())
      return { value: { run }, effects }
    })
  }

  stopRun(name: string, stop: RunStop): Promise<null> {
    return this.#change(name, (record) => ({ value: null, effects: stopRun(record, stop, Date.now()) }))
  }

  rankEvent(name: string, connection: Connection, message: RankEventMessage): Promise<null> {
    return this.#change(name, (record) => ({
      value: null,
      effects: rankEvent(record, connection, message, Date.now()),
    }))
  }

  /** Passes a Start button's wish to the controllers. UNSUPPORTED when there is none. */
  requestRun(name: string, request: RunRequest, by: string): Promise<null> {
    return this.#change(name, (record) => {
      if (isActive(record.run)) {
        throw new RondoError(
          'RUN_ACTIVE',
          `Session ${name} is already at run ${record.run.runId}. Wait for its end or stop it first.`,
        )
      }
      const controllers = record.connections.filter((entry) => entry.control)
      if (controllers.length === 0) {
        throw new RondoError(
          'UNSUPPORTED',
          `Nobody controls session ${name} now, so its Start button has no one to ask. Start \`rondo serve\` or \`rondo run\` for this session.`,
        )
      }
      const payload = { args: request.args ?? [], by }
      const effects = controllers.map(
        ({ id }): Effect => ({ kind: 'send', to: id, message: { event: 'run:requested', payload } }),
      )
      return { value: null, effects }
    })
  }

  /** Connection to pass a message to: `from` must be the sender's own rank, both of the current run. */
  async route(
    name: string,
    connection: Connection,
    address: Omit<RankAddress, 'rank'> & { from: number; to: number },
  ): Promise<string> {
    const record = await this.#store.get(name)
    if (record === undefined) throw unknownSession(name)
    requireOwnSeat(record, connection, { ...address, rank: address.from })
    return requirePeer(record, { ...address, rank: address.to })
  }

  /** Which connections a command goes to, and with which ranks. */
  async commandTargets(name: string, connection: Connection, command: RunCommand): Promise<CommandTarget[]> {
    const record = await this.#store.get(name)
    if (record === undefined) throw unknownSession(name)
    return commandTargets(record, connection, command)
  }

  setAdmission(name: string, connection: Connection, request: SessionAdmission): Promise<null> {
    return this.#change(name, (record) => ({
      value: null,
      effects: setAdmission(record, connection, request, Date.now()),
    }))
  }

  admitPage(name: string, connection: Connection, request: PageAdmit): Promise<null> {
    return this.#change(name, (record) => ({
      value: null,
      effects: admitPage(record, connection, request, Date.now()),
    }))
  }

  removePage(name: string, connection: Connection, request: PageRemove): Promise<null> {
    return this.#change(name, (record) => ({
      value: null,
      effects: removePage(record, connection, request, Date.now()),
    }))
  }

  async snapshot(name: string): Promise<SessionSnapshot | undefined> {
    const record = await this.#store.get(name)
    return record === undefined ? undefined : this.#snapshot(record)
  }

  #snapshot(record: Readonly<SessionRecord>): SessionSnapshot {
    return snapshotOf(record, this.#outbox.lastSeen, Date.now())
  }

  close(): void {
    this.#deadlines.clear()
  }
}

function unknownSession(name: string): RondoError {
  return new RondoError(
    'UNKNOWN_SESSION',
    `This server has no session ${name}. Check the link, or start it with \`rondo serve --session ${name}\`.`,
  )
}

function ignoreGoneSession(error: unknown): void {
  if (error instanceof RondoError && error.code === 'UNKNOWN_SESSION') return
  throw error
}

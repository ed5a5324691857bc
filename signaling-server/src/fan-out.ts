/**
 * The way out: effects of the core become socket.io messages. Snapshots of one moment are sent as one, and
 * droppable events skip clients whose line is congested. Not for: deciding what to say.
 */
import type { SessionSnapshot } from '@rondo/protocol'
import type { Effect } from './core/effects.ts'
import type { Outbox } from './core/sessions.ts'
import { type RondoServer, type RondoSocket, roomOf, runRoomOf } from './sockets.ts'

/** Milliseconds between two snapshots of a session that nobody waits for: many joins at once become a few. */
const SNAPSHOT_INTERVAL_MS = 30
/**
 * Members and seats that are told per millisecond, over all receivers of a session: some 60 MB/s. A snapshot to all is
 * quadratic in who is there, so a class of 256 hears of each other twice a second, and ten people at once.
 */
const TOLD_PER_MS = 100
/** Milliseconds in which newcomers of a session are greeted together, with one snapshot that is encoded once. */
const GREETING_MS = 10
/** Packets that may wait for a client before droppable events leave it out. */
const CONGESTED_PACKETS = 64

export class FanOut implements Outbox {
  readonly #io: RondoServer
  readonly #snapshot: (session: string) => Promise<SessionSnapshot | undefined>
  readonly #due = new Map<string, ReturnType<typeof setTimeout>>()
  /** When a session may be told again of what nobody waits for, by `performance.now()`. */
  readonly #quietUntil = new Map<string, number>()
  readonly #newcomers = new Map<string, string[]>()

  constructor(io: RondoServer, snapshot: (session: string) => Promise<SessionSnapshot | undefined>) {
    this.#io = io
    this.#snapshot = snapshot
  }

  lastSeen = (connectionId: string): number | undefined => this.#io.sockets.sockets.get(connectionId)?.data.lastSeen

  perform(session: string, effect: Exclude<Effect, { kind: 'deadline' }>): void {
    switch (effect.kind) {
      case 'snapshot':
        if (effect.urgent) this.#sendSnapshot(session)
        else this.#scheduleSnapshot(session)
        return
      case 'send': {
        const { event, payload } = effect.message
        this.#io.sockets.sockets.get(effect.to)?.emit(event, payload as never)
        return
      }
      case 'disconnect':
        this.#io.sockets.sockets.get(effect.to)?.disconnect(true)
        return
      case 'broadcast': {
        const { event, payload } = effect.message
        const room = this.#io.to(event === 'run:event' ? runRoomOf(session) : roomOf(session))
        const target = effect.droppable ? room.except(this.#congested(session)) : room
        target.emit(event, payload as never)
        return
      }
      default:
        effect satisfies never
    }
  }

  /** The current snapshot to one newcomer, and to whoever else comes in the same moment. */
  greet(socket: RondoSocket): void {
    const { session } = socket.data
    const others = this.#newcomers.get(session)
    if (others !== undefined) return void others.push(socket.id)
    const ids = [socket.id]
    this.#newcomers.set(session, ids)
    setTimeout(() => {
      this.#newcomers.delete(session)
      void this.#tell(session, ids)
    }, GREETING_MS)
  }

  #scheduleSnapshot(session: string): void {
    if (this.#due.has(session)) return
    const wait = (this.#quietUntil.get(session) ?? 0) - performance.now()
    this.#due.set(
      session,
      setTimeout(() => this.#sendSnapshot(session), Math.max(SNAPSHOT_INTERVAL_MS, wait)),
    )
  }

  #sendSnapshot(session: string): void {
    clearTimeout(this.#due.get(session))
    this.#due.delete(session)
    const room = roomOf(session)
    void this.#tell(session, room).then((snapshot) => {
      const receivers = this.#io.sockets.adapter.rooms.get(room)?.size ?? 0
      if (snapshot === undefined || receivers === 0) return void this.#quietUntil.delete(session)
      const told = receivers * (snapshot.members.length + (snapshot.run?.seats.length ?? 0))
      this.#quietUntil.set(session, performance.now() + told / TOLD_PER_MS)
    })
  }

  async #tell(session: string, rooms: string | string[]): Promise<SessionSnapshot | undefined> {
    const snapshot = await this.#snapshot(session)
    if (snapshot !== undefined) this.#io.to(rooms).emit('session', snapshot)
    return snapshot
  }

  #congested(session: string): string[] {
    const ids = this.#io.sockets.adapter.rooms.get(roomOf(session)) ?? []
    return [...ids].filter((id) => queuedPackets(this.#io.sockets.sockets.get(id)) > CONGESTED_PACKETS)
  }

  close(): void {
    for (const timer of this.#due.values()) clearTimeout(timer)
    this.#due.clear()
  }
}

/** Packets that engine.io holds because the client's line has not taken them yet. */
function queuedPackets(socket: RondoSocket | undefined): number {
  return (socket?.conn as unknown as { writeBuffer?: unknown[] } | undefined)?.writeBuffer?.length ?? 0
}

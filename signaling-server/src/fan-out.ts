/**
 * The way out: effects of the core become socket.io messages. Snapshots of one moment are sent as one, and
 * droppable events skip clients whose line is congested. Not for: deciding what to say.
 */
import type { SessionSnapshot } from '@rondo/protocol'
import type { Effect } from './core/effects.ts'
import type { Outbox } from './core/sessions.ts'
import { type RondoServer, type RondoSocket, roomOf, runRoomOf } from './sockets.ts'

/** Milliseconds between two snapshots of a session that nobody waits for: 64 joins at once become a few. */
const SNAPSHOT_INTERVAL_MS = 30
/** Packets that may wait for a client before droppable events leave it out. */
const CONGESTED_PACKETS = 64

export class FanOut implements Outbox {
  readonly #io: RondoServer
  readonly #snapshot: (session: string) => Promise<SessionSnapshot | undefined>
  readonly #due = new Map<string, ReturnType<typeof setTimeout>>()

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

  /** The current snapshot to one newcomer. */
  async greet(socket: RondoSocket): Promise<void> {
    const snapshot = await this.#snapshot(socket.data.session)
    if (snapshot !== undefined) socket.emit('session', snapshot)
  }

  #scheduleSnapshot(session: string): void {
    if (this.#due.has(session)) return
    this.#due.set(
      session,
      setTimeout(() => this.#sendSnapshot(session), SNAPSHOT_INTERVAL_MS),
    )
  }

  #sendSnapshot(session: string): void {
    clearTimeout(this.#due.get(session))
    this.#due.delete(session)
    void this.#snapshot(session).then((snapshot) => {
      if (snapshot !== undefined) this.#io.to(roomOf(session)).emit('session', snapshot)
    })
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

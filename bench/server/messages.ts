/** What the bench's processes tell each other over Node's own channel. All times are in milliseconds. */

/** A session as its clients enter it. */
export interface Entry {
  session: string
  joinToken: string
  controlToken: string
}

/** The server's own clock and resources, at one moment. */
export interface ServerSample {
  /** CPU time of the process so far. */
  cpuMs: number
  /** Resident bytes of the process. */
  residentBytes: number
  /** How long a due timer waited since the last sample: the event loop's own delay. */
  loop: { meanMs: number; p99Ms: number; maxMs: number }
}

export type ToServer = { kind: 'create'; sessions: string[] } | { kind: 'sample' }
export type FromServer =
  | { kind: 'listening'; url: string }
  | { kind: 'created'; entries: Entry[] }
  | { kind: 'sample'; sample: ServerSample }

export interface Gathering {
  url: string
  entries: Entry[]
  membersPerSession: number
}

export type ToClients =
  | ({ kind: 'gather' } & Gathering)
  /** Everyone sends one message every `everyMs`, for `forMs`. */
  | { kind: 'talk'; everyMs: number; forMs: number }
  | { kind: 'leave' }
export type FromClients =
  | { kind: 'gathered'; joinMs: number[] }
  | { kind: 'talked'; delaysMs: number[]; sent: number; lost: number }
  | { kind: 'left' }
  | { kind: 'failed'; reason: string }

/** Milliseconds of the clock that all processes of a machine share. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

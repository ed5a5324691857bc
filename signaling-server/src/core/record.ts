/**
 * Everything that is known of one session, as plain data that a store can keep anywhere. Functions of this
 * folder change it; nothing in it refers to a socket but by its connection id.
 */
import type {
  AgentHello,
  Handshake,
  RosterAgent,
  RosterPage,
  RunState,
  SessionSnapshot,
  WireError,
} from '@rondo/protocol'
import { newToken } from './tokens.ts'

export interface Connection {
  id: string
  role: Handshake['role']
  /** Proved to know the control token (or created the session): may open runs. */
  control: boolean
  clientKey: string | undefined
}

export interface PageEntry extends RosterPage {
  connectionId: string
  clientKey: string | undefined
}

export interface AgentEntry extends RosterAgent {
  connectionId: string
  clientKey: string | undefined
  plan: AgentHello['plan']
}

/** An agent that left: what a start timeout says of a node that is missing. */
export interface DepartedAgent {
  label: string
  host: string
  nodeRank: number
  /** Server clock, ms. */
  lastSeen: number
}

/** The last progress that a rank reported. */
export interface LastProgress {
  rank: number
  epoch: number
  step: number
}

export interface SessionRecord {
  name: string
  joinToken: string
  controlToken: string
  offer: SessionSnapshot['offer']
  /** Made by the server's owner: stays when nobody is connected. */
  pinned: boolean
  generation: number
  connections: Connection[]
  pages: PageEntry[]
  agents: AgentEntry[]
  departed: DepartedAgent[]
  /** Whether pages that join take part at once. */
  admission: SessionSnapshot['admission']
  /** Pages that a controller sent away; none of them is let in again. */
  removed: string[]
  run: RunState | null
  progress: LastProgress[]
  /** A rank's report that another one is gone, while its cause may still show up. */
  suspicion: WireError | null
}

export interface SessionTokens {
  joinToken: string
  controlToken: string
}

export function newSessionTokens(): SessionTokens {
  return { joinToken: newToken(), controlToken: newToken() }
}

export function newSession(name: string, options: { offer: SessionSnapshot['offer']; pinned: boolean }): SessionRecord {
  return {
    name,
    ...newSessionTokens(),
    ...options,
    generation: 0,
    connections: [],
    pages: [],
    agents: [],
    departed: [],
    admission: 'open',
    removed: [],
    run: null,
    progress: [],
    suspicion: null,
  }
}

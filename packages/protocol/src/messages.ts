/**
 * The signaling messages, one table for both sides: every event a client may send, with its schema and
 * what the acknowledgement carries, and every event the server sends. Broadcasts are whole snapshots, so
 * that repeating or losing one does no harm. Not for: what travels on links (frame.ts).
 */
import * as v from 'valibot'
import { DeviceInfoSchema } from './device.ts'
import type { WireError } from './errors.ts'
import { MAX_MEMBERS, MAX_SLOTS_PER_PAGE } from './limits.ts'
import {
  CountSchema,
  IdSchema,
  LabelSchema,
  NameSchema,
  type RankEvent,
  RankEventSchema,
  type RunConfig,
  RunConfigSchema,
  type RunState,
  type Seat,
  WireErrorSchema,
} from './run.ts'

/** socket.io `auth`. A page brings the join token of its URL; the main agent brings the control token. */
export const HandshakeSchema = v.object({
  protocol: CountSchema,
  session: NameSchema,
  token: v.optional(v.pipe(v.string(), v.maxLength(128))),
  role: v.picklist(['page', 'agent', 'controller']),
  /** Secret of one client object: after a lost connection it proves that the same page or agent is back. */
  clientKey: v.optional(v.pipe(v.string(), v.minLength(16), v.maxLength(128))),
  /** False where nobody listens to `run:event`: a page that hears them on its other connection. */
  runEvents: v.optional(v.boolean()),
})
export type Handshake = v.InferOutput<typeof HandshakeSchema>

/** A page joins with its slots. The same pageId joining again replaces what it brought before. */
export const JoinSchema = v.object({
  pageId: IdSchema,
  /** Shared by all tabs of one browser and origin that can exchange ports; null when they cannot. */
  browserId: v.nullable(IdSchema),
  node: v.object({ id: IdSchema, label: LabelSchema }),
  /** Local rank of the first slot, when an agent numbers its tabs; null lets the server count by arrival. */
  firstLocalRank: v.nullable(CountSchema),
  slots: v.pipe(CountSchema, v.minValue(1), v.maxValue(MAX_SLOTS_PER_PAGE)),
  device: DeviceInfoSchema,
})
export type Join = v.InferOutput<typeof JoinSchema>

/** What all agents of one run must agree on; compared by the server, differences name both nodes. */
export const AgentHelloSchema = v.object({
  node: v.object({ id: IdSchema, label: LabelSchema, rank: v.nullable(CountSchema), host: LabelSchema }),
  plan: v.object({
    numNodes: v.pipe(CountSchema, v.minValue(1)),
    devices: v.pipe(CountSchema, v.minValue(1)),
    strategy: v.nullable(NameSchema),
    precision: v.nullable(NameSchema),
    scriptHash: LabelSchema,
  }),
})
export type AgentHello = v.InferOutput<typeof AgentHelloSchema>

/** WebRTC handshake data between two ranks of one run. `data` is opaque to the server and bounded in size. */
export const SignalSchema = v.object({
  runId: IdSchema,
  generation: CountSchema,
  from: CountSchema,
  to: CountSchema,
  data: v.unknown(),
})
export type Signal = v.InferOutput<typeof SignalSchema>

/** A frame of the relay of last resort. The acknowledgement is the back-pressure. */
export const RelaySchema = v.object({
  runId: IdSchema,
  generation: CountSchema,
  from: CountSchema,
  to: CountSchema,
  frame: v.custom<Uint8Array>((x) => x instanceof Uint8Array || x instanceof ArrayBuffer),
})
export type Relay = v.InferOutput<typeof RelaySchema>

export const RankEventMessageSchema = v.object({
  runId: IdSchema,
  generation: CountSchema,
  rank: CountSchema,
  event: RankEventSchema,
})
export type RankEventMessage = v.InferOutput<typeof RankEventMessageSchema>

/** A controller opens a run; the server seats it as soon as enough slots are there. */
export const RunOpenSchema = v.object({
  config: RunConfigSchema,
  /** Slots of node k, in node-rank order; null takes every slot that is present, by arrival of nodes. */
  nodes: v.nullable(v.pipe(v.array(CountSchema), v.minLength(1), v.maxLength(MAX_MEMBERS))),
  /**
   * Exactly these slots by member id, in rank order, those of a node side by side; `nodes` is null then. All of
   * them must be here: such a run starts at once or is refused.
   */
  members: v.optional(v.pipe(v.array(IdSchema), v.minLength(1), v.maxLength(MAX_MEMBERS))),
})
export type RunOpen = v.InferOutput<typeof RunOpenSchema>

/**
 * A controller gives a growable run that goes on more seats: the ranks that are there keep theirs and what they did, and
 * are started again as part of the larger world, a generation later.
 */
export const RunGrowSchema = v.object({
  runId: IdSchema,
  /** Slots of node k from now on, in node-rank order. */
  nodes: v.pipe(v.array(CountSchema), v.minLength(1), v.maxLength(MAX_MEMBERS)),
})
export type RunGrow = v.InferOutput<typeof RunGrowSchema>

/** A page's Start button: asks whoever controls the session to open a run with what is here. */
export const RunRequestSchema = v.object({
  args: v.optional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(4096))), v.maxLength(256))),
})
export type RunRequest = v.InferOutput<typeof RunRequestSchema>

export const RunStopSchema = v.object({ runId: IdSchema, reason: LabelSchema, error: v.optional(WireErrorSchema) })
export type RunStop = v.InferOutput<typeof RunStopSchema>

/** From a controller to ranks of the run that goes on. `data` is opaque to the server, at most MAX_COMMAND_BYTES of JSON. */
export const RunCommandSchema = v.object({
  runId: IdSchema,
  /** New for each command, so that one said twice after a lost connection is taken once. */
  commandId: IdSchema,
  /** Which ranks; null for all. */
  ranks: v.nullable(v.pipe(v.array(CountSchema), v.minLength(1), v.maxLength(MAX_MEMBERS))),
  data: v.unknown(),
})
export type RunCommand = v.InferOutput<typeof RunCommandSchema>

/** A controller sends a page away: its slots are gone, and no page of that id is let in again. */
export const PageRemoveSchema = v.object({ pageId: IdSchema, reason: LabelSchema })
export type PageRemove = v.InferOutput<typeof PageRemoveSchema>

/** A controller decides whether pages that come from now on may take part at once, or wait for a person's yes. */
export const SessionAdmissionSchema = v.object({ admission: v.picklist(['open', 'ask']) })
export type SessionAdmission = v.InferOutput<typeof SessionAdmissionSchema>

/** A controller lets a page that waits take part. */
export const PageAdmitSchema = v.object({ pageId: IdSchema })
export type PageAdmit = v.InferOutput<typeof PageAdmitSchema>

/** Schema by client event. A message of any other name is refused. */
export const CLIENT_MESSAGES = {
  join: JoinSchema,
  leave: v.object({}),
  'agent:hello': AgentHelloSchema,
  signal: SignalSchema,
  relay: RelaySchema,
  'rank:event': RankEventMessageSchema,
  'run:open': RunOpenSchema,
  'run:grow': RunGrowSchema,
  'run:request': RunRequestSchema,
  'run:stop': RunStopSchema,
  'run:command': RunCommandSchema,
  'page:remove': PageRemoveSchema,
  'page:admit': PageAdmitSchema,
  'session:admission': SessionAdmissionSchema,
} as const
export type ClientEvent = keyof typeof CLIENT_MESSAGES
export type ClientPayloads = { [E in ClientEvent]: v.InferOutput<(typeof CLIENT_MESSAGES)[E]> }

/** One slot that somebody brought. */
export interface Member {
  memberId: string
  pageId: string
  browserId: string | null
  nodeId: string
  nodeLabel: string
  nodeRank: number
  localRank: number
  device: Join['device']
  /** False while its page waits for a controller's yes: no run gets it. */
  admitted: boolean
  /** Server clock, ms. */
  joinedAt: number
  lastSeen: number
}

/** The whole session, sent to everyone on every change. */
export interface SessionSnapshot {
  session: string
  /** Grows with every change of membership. */
  generation: number
  members: Member[]
  agents: Array<{ nodeId: string; label: string; nodeRank: number; host: string; since: number }>
  /** True while somebody with the control token is connected: only then can a page's Start button work. */
  controlled: boolean
  /** Whether pages that join take part at once. */
  admission: SessionAdmission['admission']
  /** What the controller offers to run, shown before a person joins; null when nothing is offered. */
  offer: { script: string; description: string } | null
  run: RunState | null
  serverTime: number
}

/** Reply to every client event. */
export type Ack<T> = { ok: true; value: T } | { ok: false; error: WireError }

export interface AckValues {
  join: { members: Member[]; snapshot: SessionSnapshot }
  leave: null
  /** `nodeRank` is provisional until the run starts; `controlToken` only for the agent that created the session. */
  'agent:hello': { nodeRank: number; joinToken: string; controlToken: string | null; snapshot: SessionSnapshot }
  signal: null
  relay: null
  'rank:event': null
  'run:open': { run: RunState }
  'run:grow': { run: RunState }
  'run:request': null
  'run:stop': null
  /** Every page that runs one of the ranks has the command. */
  'run:command': null
  'page:remove': null
  'page:admit': null
  'session:admission': null
}

/** Sent to a page that holds at least one seat: start these ranks now. */
export interface RunStart {
  runId: string
  generation: number
  config: RunConfig
  seats: Seat[]
  /** The ranks that the receiving page runs. */
  yours: number[]
  /** Slots of the receiving page's node that are in the session and take no part; absent where there are none. */
  idleSlots?: number
}

export interface ServerEvents {
  session: SessionSnapshot
  'run:start': RunStart
  'run:event': { runId: string; generation: number; rank: number; event: RankEvent }
  /** Ends every rank that the receiving page runs for this run. */
  'run:stop': { runId: string; generation: number; reason: string; error: WireError | null }
  /** For the ranks `ranks` of the receiving page; its acknowledgement says that they have it. */
  'run:command': { runId: string; generation: number; commandId: string; ranks: number[]; data: unknown }
  /** Only to controllers. */
  'run:requested': { args: string[]; by: string }
  signal: Signal
  relay: Relay
  /** A message was refused; three of these within a minute end the connection. */
  refused: WireError
}
export type ServerEvent = keyof ServerEvents

/**
 * What a run is made of, as data: its configuration, its seats, what ranks report while it goes on and
 * the report that stays. Schemas live here because pages, server and CLI all read these from outside.
 */
import * as v from 'valibot'
import { ERROR_CODES, type ErrorCode, type WireError } from './errors.ts'
import { MAX_CONSOLE_CHARS } from './limits.ts'
import { TimelineEventSchema } from './timeline.ts'

/** What carries the bytes between two ranks. `local` never leaves the page, `port` stays in the browser. */
export const CARRIERS = ['shared', 'local', 'port', 'webrtc', 'relay', 'memory'] as const
export type Carrier = (typeof CARRIERS)[number]

/** What a WebRTC path begins with: an own address, one that STUN or the peer told of (through a NAT), or a TURN relay. */
export const CANDIDATES = ['host', 'srflx', 'prflx', 'relay'] as const
export type CandidateType = (typeof CANDIDATES)[number]

/** `--process-group-backend`: `auto` takes the cheapest carrier per pair, the others pin it. */
export const BACKENDS = ['auto', 'webrtc', 'port', 'relay'] as const
export type ProcessGroupBackend = (typeof BACKENDS)[number]

export const DEBUG_LEVELS = ['off', 'info', 'detail'] as const

// `__proto__` fits the alphabet and must never become somebody's object key.
const Name = v.pipe(v.string(), v.regex(/^(?!__proto__$)[A-Za-z0-9._-]{1,64}$/))
const Id = v.pipe(v.string(), v.regex(/^(?!__proto__$)[A-Za-z0-9_-]{1,64}$/))
const Label = v.pipe(v.string(), v.maxLength(120))
const Count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 31 - 1))
const Text = v.pipe(v.string(), v.maxLength(4096))
const Finite = v.pipe(v.number(), v.finite())

export const IdSchema = Id
export const NameSchema = Name
export const LabelSchema = Label
export const CountSchema = Count

export const WireErrorSchema: v.GenericSchema<unknown, WireError> = v.object({
  code: v.picklist(ERROR_CODES) as v.GenericSchema<unknown, ErrorCode>,
  name: Label,
  message: Text,
  stack: v.optional(v.pipe(v.string(), v.maxLength(16_384))),
  rank: v.optional(Count),
  node: v.optional(Label),
  details: v.optional(v.record(v.string(), v.unknown())),
})

/** Everything a rank needs to know before its first line of user code runs. */
export const RunConfigSchema = v.object({
  runId: Id,
  /** `url` is a path on the page's own origin (agents of other nodes forward it to the main node). */
  script: v.object({ name: Label, url: v.pipe(v.string(), v.maxLength(512), v.regex(/^\/[\w./-]*$/)), hash: Label }),
  args: v.pipe(v.array(v.pipe(v.string(), v.maxLength(4096))), v.maxLength(256)),
  /** The values of flags that were given, as typed; absent means unset (DESIGN habit 12: resolved once, by Fabric's connector). */
  accelerator: v.optional(Name),
  strategy: v.optional(Name),
  precision: v.optional(Name),
  /** Slots per node asked for, and nodes; both resolved to numbers by the controller. */
  devices: v.pipe(Count, v.minValue(1)),
  numNodes: v.pipe(Count, v.minValue(1)),
  /** Which of devices/numNodes the person set explicitly; only those can conflict with code. */
  explicit: v.array(v.picklist(['accelerator', 'strategy', 'precision', 'devices', 'numNodes'])),
  processGroupBackend: v.picklist(BACKENDS),
  startTimeoutSeconds: v.pipe(Finite, v.minValue(1)),
  stepTimeoutSeconds: v.pipe(Finite, v.minValue(1)),
  debug: v.picklist(DEBUG_LEVELS),
  /** `rondo exec`: the run begins as one rank, and `fabric.launch()` may ask the controller for the others; absent: no. */
  growable: v.optional(v.boolean()),
  /** Whether ranks tell what they do when; absent: no. */
  timeline: v.optional(v.boolean()),
  /** MASTER_ADDR, PL_GLOBAL_SEED … forwarded from the terminal; rank variables are added per rank. */
  env: v.record(Name, v.pipe(v.string(), v.maxLength(4096))),
})
export type RunConfig = v.InferOutput<typeof RunConfigSchema>

/** One place in a run. `memberId` is null while nobody sits there. */
export const SeatSchema = v.object({
  rank: Count,
  nodeRank: Count,
  localRank: Count,
  memberId: v.nullable(Id),
  pageId: v.nullable(Id),
  browserId: v.nullable(Id),
  nodeId: v.nullable(Id),
  nodeLabel: Label,
  state: v.picklist(['waiting', 'starting', 'running', 'done', 'failed', 'lost']),
  /** Server clock, ms; the last sign of life. */
  lastSeen: v.nullable(Finite),
})
export type Seat = v.InferOutput<typeof SeatSchema>

export const RUN_STATES = ['waiting', 'running', 'done', 'failed', 'stopped'] as const
export type RunStatus = (typeof RUN_STATES)[number]

/** Medians over the run for the report, and per step for pages. Milliseconds. */
export const StepTimesSchema = v.object({
  compute: Finite,
  readback: Finite,
  communication: Finite,
  /** Of the communication: beside which this rank did nothing else. */
  exposedCommunication: Finite,
  apply: Finite,
  total: Finite,
})
export type StepTimes = v.InferOutput<typeof StepTimesSchema>

export const LinkReportSchema = v.object({
  from: Count,
  to: Count,
  carrier: v.picklist(CARRIERS),
  // WebRTC only: peer connections that the sender uses.
  connections: v.optional(Count),
  // WebRTC only: what the sender's end of the path is, where its browser tells.
  candidate: v.optional(v.picklist(CANDIDATES)),
  bytesSent: Finite,
  // Bytes per second while sending, null before anything was measured.
  throughput: v.nullable(Finite),
  // Milliseconds, null before the first probe.
  roundTripMs: v.nullable(Finite),
})
export type LinkReport = v.InferOutput<typeof LinkReportSchema>

export const RankReportSchema = v.object({
  rank: Count,
  node: Label,
  localRank: Count,
  accelerator: v.nullable(Label),
  adapter: v.nullable(Label),
  /** SHA-256 over all parameter bytes in order; null when the script set up no model. */
  weightsHash: v.nullable(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
  steps: Finite,
  samples: Finite,
  bytesSent: Finite,
  bytesReceived: Finite,
  msPerStep: StepTimesSchema,
  /** Whatever the script's default function returned, if JSON can hold it. */
  result: v.unknown(),
})
export type RankReport = v.InferOutput<typeof RankReportSchema>

/** What a rank tells the session while it lives. Progress is the only kind that may be dropped under load. */
export const RankEventSchema = v.variant('kind', [
  /** Worker is up and all links stand. */
  v.object({ kind: v.literal('ready'), links: v.array(LinkReportSchema) }),
  /** The device is chosen, precision and strategy are resolved: what the start banner needs. */
  v.object({
    kind: v.literal('setup'),
    accelerator: Label,
    adapter: v.nullable(Label),
    software: v.boolean(),
    reason: Text,
    precision: Text,
    strategy: Label,
    learningRate: v.nullable(Finite),
    batchSize: v.nullable(Finite),
    /** Batches of this rank behind one step. */
    accumulate: v.optional(v.pipe(Count, v.minValue(1))),
    parameters: v.nullable(Count),
  }),
  v.object({
    kind: v.literal('progress'),
    /** Epoch counted from 0; `epochs` null when the script does not say. */
    epoch: Count,
    epochs: v.nullable(Count),
    step: Count,
    stepInEpoch: Count,
    stepsPerEpoch: v.nullable(Count),
    /** `loss` is this rank's mean over its batch. */
    loss: v.nullable(Finite),
    /** Samples per second of this rank. */
    samplesPerSecond: Finite,
    times: StepTimesSchema,
    /** Milliseconds of communication hidden behind compute and readback. */
    hiddenMs: Finite,
    links: v.array(LinkReportSchema),
    memory: v.object({ tensors: Count, bytes: Finite }),
  }),
  /** How rank 0 wants its progress shown, and what stands beside it. */
  v.object({
    kind: v.literal('bar'),
    /** false: no bar is wanted. */
    shown: v.boolean(),
    /** Whether the bar of a finished epoch stays. */
    leave: v.boolean(),
    epoch: Count,
    /** Whether the epoch and its validation are over. */
    epochDone: v.boolean(),
    /** By name, in the order of first appearance; null for what is not finite. */
    values: v.record(v.pipe(v.string(), v.maxLength(200)), v.nullable(Finite)),
  }),
  v.object({
    kind: v.literal('console'),
    level: v.picklist(['log', 'info', 'warn', 'error', 'debug']),
    text: v.pipe(v.string(), v.maxLength(MAX_CONSOLE_CHARS)),
  }),
  /** Whatever the run's program tells its controller: JSON of at most MAX_RESULT_BYTES. Never dropped. */
  v.object({ kind: v.literal('message'), data: v.unknown() }),
  TimelineEventSchema,
  v.object({ kind: v.literal('metrics'), step: Count, values: v.record(v.pipe(v.string(), v.maxLength(200)), Finite) }),
  v.object({ kind: v.literal('done'), report: RankReportSchema }),
  v.object({ kind: v.literal('error'), error: WireErrorSchema, report: v.nullable(RankReportSchema) }),
])
export type RankEvent = v.InferOutput<typeof RankEventSchema>
export type ProgressEvent = Extract<RankEvent, { kind: 'progress' }>
export type BarEvent = Extract<RankEvent, { kind: 'bar' }>
export type SetupEvent = Extract<RankEvent, { kind: 'setup' }>

const GrowWishSchema = v.object({ rondo: v.literal('grow'), devices: v.pipe(Count, v.minValue(2)) })
/** What rank 0 of a growable run says in a `message`: it wants to be one of so many ranks of its node. */
export type GrowWish = v.InferOutput<typeof GrowWishSchema>

/** The wish in the data of a `message`, null for every other message. */
export function growWish(data: unknown): GrowWish | null {
  return v.is(GrowWishSchema, data) ? data : null
}

/** A run as everyone in the session sees it. */
export const RunStateSchema = v.object({
  runId: Id,
  status: v.picklist(RUN_STATES),
  generation: Count,
  config: RunConfigSchema,
  seats: v.array(SeatSchema),
  /** Server clock, ms. */
  createdAt: Finite,
  startedAt: v.nullable(Finite),
  endedAt: v.nullable(Finite),
  error: v.nullable(WireErrorSchema),
})
export type RunState = v.InferOutput<typeof RunStateSchema>

/** `runs/<id>/report.json`. Documented in docs/report.md. */
export interface RunReport {
  run: string
  script: string
  status: 'done' | 'failed' | 'stopped'
  error?: WireError
  strategy: string
  worldSize: number
  precision: string
  codec: string
  processGroupBackend: ProcessGroupBackend
  ranks: RankReport[]
  links: Array<{ from: number; to: number; carrier: Carrier; candidate?: CandidateType; bytesSent: number }>
  metrics: Record<string, number>
  wallSeconds: number
  samplesPerSecond: number
}

/**
 * What the page's rank pool and the ranks of a notebook run say to each other: commands through the controller,
 * messages through rank events, byte payloads through files of the run. The rank side ships with the page, but
 * messages pass the server and may come from any page of the session: the pool parses them before use.
 */
import type { CellError, KernelOutput } from '@rondo/kernel/output'
import type { WireError } from '@rondo/protocol'
import * as v from 'valibot'

/** In the run's environment: the page that opened it, so that others can tell a run that nobody controls any more. */
export const OPENER = 'RONDO_NOTEBOOK_PAGE'

/** A function on fresh or warm ranks; the file holds what `forkFunction` made. */
export interface LaunchJob {
  kind: 'launch'
  /** Grows with every job of a run. */
  job: number
  /** Name of the program's file in the run's folder. */
  file: string
  /** How it was started, for messages. */
  call: string
}

/** A cell on persistent ranks; the file holds its code. */
export interface CellJob {
  kind: 'cell'
  job: number
  file: string
  cellId: string
  cellNumber: number
}

export type Job = LaunchJob | CellJob

/** A job and what the rank needs to run it. */
export interface JobOrder {
  job: Job
  /** Opens modules of the served folder, which ranks import as the notebook does. */
  token: string
}

/** Controller to ranks. */
export type RankCommand =
  | ({ do: 'job' } & JobOrder)
  /** The cell job's awaits reject, its collectives too; a loop that never yields does not hear it. */
  | { do: 'interrupt'; job: number; error: WireError }
  /** After a job that ended badly, to all ranks: a new group on the same links. Answered by `regrouped`. */
  | { do: 'regroup'; id: number }
  /** Passes a barrier with the others; answered by `synced`. */
  | { do: 'sync'; id: number }
  | { do: 'status'; id: number }

/** Rank to controller, as data of a `message` event. */
export type RankMessage =
  /** The program waits for its first job. */
  | { type: 'open' }
  | { type: 'started'; job: number }
  | { type: 'output'; job: number; output: KernelOutput }
  /** An output too large for a message; the file holds it as JSON. */
  | { type: 'output-file'; job: number; file: string }
  /** `file` holds the encoded value; null where this rank gives none. */
  | { type: 'done'; job: number; milliseconds: number; file: string | null }
  | { type: 'failed'; job: number; milliseconds: number; error: CellError; reason: FailureReason }
  | { type: 'status'; id: number; busy: boolean; memoryBytes: number; adapter: string }
  | { type: 'synced'; id: number; error: WireError | null }
  | { type: 'regrouped'; id: number; error: WireError | null }

/** `own`: the rank's own code threw; `other`: it stopped because another rank did; `interrupted`: it was told to. */
export type FailureReason = 'own' | 'other' | 'interrupted'

const Count = v.pipe(v.number(), v.integer(), v.minValue(0))
const Text = v.string()
const Loose = v.looseObject

const FrameSchema = Loose({
  functionName: Text,
  cellId: v.nullable(Text),
  cellNumber: v.nullable(v.number()),
  line: v.number(),
  column: v.number(),
  source: v.nullable(Text),
})
const CellErrorSchema: v.GenericSchema<unknown, CellError> = Loose({
  name: Text,
  message: Text,
  frames: v.array(FrameSchema),
  cause: v.nullable(v.lazy(() => CellErrorSchema)),
  rank: v.nullable(v.number()),
  node: v.nullable(Text),
  code: v.nullable(Text),
}) as v.GenericSchema<unknown, CellError>
const WireSchema: v.GenericSchema<unknown, WireError> = Loose({
  code: Text,
  name: Text,
  message: Text,
}) as unknown as v.GenericSchema<unknown, WireError>

const Bundle = v.record(Text, v.unknown())
/** One output, also as it lies in a file. */
export const KernelOutputSchema = v.variant('kind', [
  v.object({ kind: v.literal('stream'), name: v.picklist(['stdout', 'stderr']), text: Text }),
  v.object({
    kind: v.literal('display'),
    data: Bundle,
    metadata: Bundle,
    displayId: v.nullable(Text),
    update: v.boolean(),
  }),
  v.object({ kind: v.literal('result'), data: Bundle, metadata: Bundle }),
  v.object({ kind: v.literal('error'), error: CellErrorSchema }),
  v.object({ kind: v.literal('clear'), wait: v.boolean() }),
]) satisfies v.GenericSchema<unknown, KernelOutput>

const RankMessageSchema = v.variant('type', [
  v.object({ type: v.literal('open') }),
  v.object({ type: v.literal('started'), job: Count }),
  v.object({ type: v.literal('output'), job: Count, output: KernelOutputSchema }),
  v.object({ type: v.literal('output-file'), job: Count, file: Text }),
  v.object({ type: v.literal('done'), job: Count, milliseconds: v.number(), file: v.nullable(Text) }),
  v.object({
    type: v.literal('failed'),
    job: Count,
    milliseconds: v.number(),
    error: CellErrorSchema,
    reason: v.picklist(['own', 'other', 'interrupted']),
  }),
  v.object({
    type: v.literal('status'),
    id: Count,
    busy: v.boolean(),
    memoryBytes: v.number(),
    adapter: Text,
  }),
  v.object({ type: v.literal('synced'), id: Count, error: v.nullable(WireSchema) }),
  v.object({ type: v.literal('regrouped'), id: Count, error: v.nullable(WireSchema) }),
]) satisfies v.GenericSchema<unknown, RankMessage>

/** The message that a `message` event carries, or null for anything else: another program's, or a forged one. */
export function parseRankMessage(data: unknown): RankMessage | null {
  const parsed = v.safeParse(RankMessageSchema, data)
  return parsed.success ? parsed.output : null
}

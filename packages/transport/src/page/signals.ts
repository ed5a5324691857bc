/**
 * What two brokers tell each other about one pair of ranks, through the signaling server. It comes from
 * another page, so it is parsed. Not for: the envelope with run, generation and ranks (protocol).
 */
import * as v from 'valibot'
import { MAX_CONNECTIONS } from '../connections.ts'

const Attempt = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(16))
/** Which of a link's peer connections: the first is 0. */
const Lane = v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_CONNECTIONS - 1)), 0)
const Reason = v.pipe(v.string(), v.maxLength(500))

const PairSignalSchema = v.variant('step', [
  /** Handshake data of a WebRTC attempt; simple-peer checks the rest. */
  v.object({ step: v.literal('handshake'), attempt: Attempt, lane: Lane, data: v.record(v.string(), v.unknown()) }),
  /** The higher rank asks for that many peer connections in all; the lower one makes them. */
  v.object({
    step: v.literal('widen'),
    attempt: Attempt,
    connections: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_CONNECTIONS)),
  }),
  /** The higher rank found that this attempt cannot work. */
  v.object({ step: v.literal('failed'), attempt: Attempt, reason: Reason }),
  /** The lower rank, which decides, goes on to this attempt. */
  v.object({ step: v.literal('advance'), attempt: Attempt, reason: Reason }),
])
export type PairSignal = v.InferOutput<typeof PairSignalSchema>

/** Null for anything that is no signal of ours; such a one is ignored. */
export function parsePairSignal(data: unknown): PairSignal | null {
  const parsed = v.safeParse(PairSignalSchema, data)
  return parsed.success ? parsed.output : null
}

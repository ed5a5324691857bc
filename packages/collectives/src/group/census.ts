/**
 * When an operation is overdue: asks every peer how many operations it has begun, waits briefly, and says
 * who is missing. Not for: noticing that it is overdue (watchdog.ts).
 */
import { RondoError } from '@rondo/protocol'
import { describeNumbered, seconds } from './failures.ts'
import type { Operation } from './operation.ts'
import type { Peer } from './peer.ts'

/** Milliseconds that a peer has to answer; a live worker answers in a few. */
export const CENSUS_MS = 400

/** The TIMEOUT error for `operation`, from the answers that the peers gave by now. */
export function timedOut(operation: Operation, rank: number, peers: readonly Peer[]): RondoError {
  const waiting = new Set(operation.algorithm.waitingFor())
  const missing: Peer[] = []
  const lines: string[] = []
  for (const peer of peers) {
    const isPair = operation.request.pair !== undefined
    if (isPair && !waiting.has(peer.rank)) continue
    if (peer.begun === null) {
      missing.push(peer)
      lines.push(`${peer.title} does not answer (busy, frozen or cut off)`)
    } else if (!isPair && peer.begun <= operation.sequence) {
      missing.push(peer)
      lines.push(`${peer.title} has not called it yet (it has begun ${peer.begun} operations)`)
    }
  }
  if (lines.length === 0) {
    for (const peer of peers) {
      if (!waiting.has(peer.rank)) continue
      missing.push(peer)
      lines.push(`${peer.title} has sent ${operation.receivedFrom(peer.rank)} messages of it and more are due`)
    }
  }
  if (lines.length === 0) lines.push('nobody: the links are too slow for what is queued')
  const first = missing[0]
  return new RondoError(
    'TIMEOUT',
    `${describeNumbered(operation.what, operation.sequence)} took longer than ${seconds(operation.request.timeoutMs)} on rank ${rank}. ` +
      `Missing: ${lines.join('; ')}. Make every rank call the same operations in the same order, or raise the time-out (--step-timeout, timeoutMs).`,
    {
      ...(first === undefined ? {} : { rank: first.rank, node: first.label }),
      details: {
        op: operation.what.op,
        name: operation.what.name,
        sequence: operation.sequence,
        missing: missing.map((peer) => peer.rank),
      },
    },
  )
}

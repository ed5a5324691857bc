/**
 * Work that rank 0 does for everybody: its outcome, good or bad, becomes every rank's, so that nobody waits for a rank
 * that failed. Not for: what the work is.
 */
import { decodeSafetensors, encodeSafetensors } from '@rondo/engine'
import { fromWireError, RondoError, toWireError, type WireError } from '@rondo/protocol'
import type { CheckpointContent } from './checkpoint-io.ts'
import type { CheckpointHost } from './host.ts'

type Outcome<T> = { value: T; error: null } | { value: null; error: WireError }

/**
 * Collective. Runs `work` on rank 0; every rank gets its value, or throws its error with rank 0 named.
 * @param name what ranks compare before they exchange a byte: other arguments on another rank are a mismatch
 */
export async function onRankZero<T>(context: CheckpointHost, name: string, work: () => Promise<T>): Promise<T> {
  const { group, signal } = context
  if (group.worldSize === 1) return work()
  const mine = group.rank === 0 ? await outcomeOf(work) : null
  const { value, error } = (await group.broadcastObject(mine, { src: 0, name, signal })) as Outcome<T>
  if (error !== null) throw fromWireError(error)
  return value as T
}

async function outcomeOf<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work(), error: null }
  } catch (thrown) {
    const { stack: _, ...wire } = toWireError(thrown, 'STORAGE_FAILED')
    const known = thrown instanceof RondoError
    return { value: null, error: { ...wire, message: known ? `${wire.message} (rank 0)` : wire.message, rank: 0 } }
  }
}

/** Collective. What rank 0 read, on every rank; other machines do not share its disk. */
export async function readOnRankZero(
  context: CheckpointHost,
  name: string,
  read: () => Promise<CheckpointContent>,
): Promise<CheckpointContent> {
  const { group, signal } = context
  if (group.worldSize === 1) return read()
  let bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  const length = await onRankZero(context, name, async () => {
    const { tensors, metadata } = await read()
    bytes = encodeSafetensors(tensors, metadata)
    return bytes.byteLength
  })
  if (group.rank !== 0) bytes = new Uint8Array(length)
  await group.broadcast(bytes, { src: 0, name: `${name}, content`, signal })
  return decodeSafetensors(bytes, name)
}

/**
 * Frames of a newer generation than the group they reach: kept, a few, for the group that may follow on the
 * same link. Not for: frames of older generations, which nobody wants.
 */
import type { Link } from '@rondo/transport'
import type { Frame } from '../algorithm.ts'

/** Frames per link: a successor's probes and first messages; a peer that sends more does not wait as it should. */
const MAX_KEPT = 256

const kept = new WeakMap<Link, Frame[]>()

/** False when there is no room for it. */
export function keepForSuccessor(link: Link, frame: Frame): boolean {
  const frames = kept.get(link)
  if (frames === undefined) kept.set(link, [frame])
  else if (frames.length >= MAX_KEPT) return false
  else frames.push(frame)
  return true
}

export function takeFromPredecessor(link: Link): Frame[] {
  const frames = kept.get(link) ?? []
  kept.delete(link)
  return frames
}

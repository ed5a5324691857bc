/**
 * How many batches an epoch of training has, on this rank and on the one that has most; after a checkpoint the first
 * epoch has what was left of it. Not for: running it (train-epoch.ts).
 */
import { type DataLoader, isDistributed } from '@rondo/data'
import type { Run } from '../run.ts'
import type { Training } from './training.ts'

export interface EpochPlan {
  /** Number of the first batch: not 0 when an earlier run trained on those before. */
  first: number
  /** Batches of this rank at most, from `first` on. */
  limit: number
  /** Number of batches, `first` included, of the rank that has most; null when unknown. */
  total: number | null
}

/** Sets the loader to its epoch, and to where a checkpoint left it. Collective. */
export async function planEpoch({ run, loader, limit, total, resume }: Training): Promise<EpochPlan> {
  loader.setEpoch(run.trainer.currentEpoch)
  if (resume === null) return { first: 0, limit, total }
  const { position } = resume
  // In batches of today's size and ranks: the run before may have had others.
  const first = Math.min(Math.floor(position / (loader.batchSize * run.worldSize)), limit)
  // A loader that no sampler of ours deals out gives each rank a stream of its own.
  loader.startAt(sharesOrder(run, loader) ? position : first * loader.batchSize)
  const left = limit - first
  const own = loader.hasLength ? Math.min(loader.length, left) : null
  const most = await longest(run, own, 'batches left of the epoch')
  return { first, limit: left, total: most === null ? null : first + most }
}

/** Batches of the rank that has most, or null when a rank does not know. Collective. */
export async function longest(run: Run, own: number | null, name: string): Promise<number | null> {
  const mine = own !== null && Number.isFinite(own) ? own : null
  if (run.worldSize === 1) return mine
  const { group, signal } = run.context
  const all = await group.allGather(Int32Array.of(mine ?? -1), { name, signal })
  return all.includes(-1) ? null : Math.max(...all)
}

function sharesOrder(run: Run, loader: DataLoader): boolean {
  return loader.sampler !== undefined && (run.worldSize === 1 || isDistributed(loader.sampler))
}

/**
 * Which checkpoints to keep: the best k by a score, or the newest. Rule: Lightning's `ModelCheckpoint`; NaN counts as the
 * worst value there is, and a score that is only as good as the worst kept one is not kept. Pure: no files, no ranks.
 */
import type { Mode } from './monitor.ts'

/** What is remembered between decisions, and kept in checkpoints. Plain data. */
export interface CheckpointMemory {
  /** Empty until something was saved. */
  bestModelPath: string
  bestModelScore: number | null
  /** Score of the last checkpoint that was kept for its score. */
  currentScore: number | null
  /** Score of each file that is kept for being among the best. */
  bestKModels: Record<string, number>
  /** The worst of them, once there are k; empty before. */
  kthBestModelPath: string
  kthValue: number | null
  lastModelPath: string
  /** Newest file that was written for its score or epoch, which `last.ckpt` may link to. */
  lastCheckpointSaved: string
  /** Step of the last save, so that one state is not saved twice. */
  lastGlobalStep: number
}

export const NOTHING_SAVED: CheckpointMemory = {
  bestModelPath: '',
  bestModelScore: null,
  currentScore: null,
  bestKModels: {},
  kthBestModelPath: '',
  kthValue: null,
  lastModelPath: '',
  lastCheckpointSaved: '',
  lastGlobalStep: 0,
}

export interface Ranking {
  mode: Mode
  /** −1 all, 0 none. */
  saveTopK: number
}

/** A score with NaN made the worst value. */
export function comparable(score: number, mode: Mode): number {
  if (!Number.isNaN(score)) return score
  return mode === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
}

/** Whether a state with this score is to be kept. */
export function isAmongBest(memory: CheckpointMemory, score: number, { mode, saveTopK }: Ranking): boolean {
  if (saveTopK === 0) return false
  const scores = Object.values(memory.bestKModels)
  if (saveTopK === -1 || scores.length < saveTopK) return true
  const worst = mode === 'min' ? Math.max(...scores) : Math.min(...scores)
  return isBetter(comparable(score, mode), worst, mode)
}

/** File that has to go when another one comes; empty while there is room. */
export function displaced(memory: CheckpointMemory, { mode, saveTopK }: Ranking): string {
  if (saveTopK < 1 || Object.keys(memory.bestKModels).length < saveTopK) return ''
  return extreme(memory.bestKModels, mode === 'min' ? 'max' : 'min')
}

/** The memory after `path` was saved with this score; call it only where `isAmongBest`. */
export function withScored(memory: CheckpointMemory, path: string, score: number, ranking: Ranking): CheckpointMemory {
  const { mode, saveTopK } = ranking
  const bestKModels = { ...memory.bestKModels }
  delete bestKModels[displaced(memory, ranking)]
  bestKModels[path] = comparable(score, mode)
  const full = saveTopK === -1 || Object.keys(bestKModels).length === saveTopK
  const kthBestModelPath = full ? extreme(bestKModels, mode === 'min' ? 'max' : 'min') : ''
  const bestModelPath = extreme(bestKModels, mode)
  return {
    ...memory,
    bestKModels,
    currentScore: bestKModels[path],
    bestModelPath,
    bestModelScore: bestKModels[bestModelPath] as number,
    kthBestModelPath,
    kthValue: bestKModels[kthBestModelPath] ?? null,
  }
}

/** The first path with the smallest or largest score. */
function extreme(scores: Readonly<Record<string, number>>, which: Mode): string {
  let found = ''
  for (const [path, score] of Object.entries(scores)) {
    if (found === '' || isBetter(score, scores[found] as number, which)) found = path
  }
  return found
}

function isBetter(a: number, b: number, mode: Mode): boolean {
  return mode === 'min' ? a < b : a > b
}

/** The way from the command to the first step as a row of moments, from what the command and its ranks noted. */

export interface Noted {
  what: string
  /** Milliseconds since the epoch. */
  at: number
}

/** What `e2e/scripts/first-step.ts` returns: milliseconds since the epoch. */
export interface RankMoments {
  imported: number
  launched: number
  data: number
  setUp: number
  firstStep: number
}

/** What has happened at the end of each part. */
export const PARTS = [
  'the browser is started',
  'its tabs ask for the page',
  'rank workers start',
  'links are up and warm, script is loaded',
  'MNIST is there',
  'the model is set up',
  'the first step is done',
] as const

/** Milliseconds of each of `PARTS`, of the slowest rank each; they add up to the whole. */
export function partsOf(startedAt: number, noted: readonly Noted[], ranks: readonly RankMoments[]): number[] {
  const first = (what: string): number => noted.find((entry) => entry.what === what)?.at ?? Number.NaN
  const last = (what: string): number => noted.filter((entry) => entry.what === what).at(-1)?.at ?? Number.NaN
  const slowest = (moment: keyof RankMoments): number => Math.max(...ranks.map((rank) => rank[moment]))
  const moments = [
    first('spawn'),
    first('/join/'),
    last('/runtime/rank-worker.js'),
    slowest('launched'),
    slowest('data'),
    slowest('setUp'),
    slowest('firstStep'),
  ]
  return moments.map((moment, i) => moment - (i === 0 ? startedAt : (moments[i - 1] as number)))
}

/** The magics of a notebook as values. What the `%dist` family does is the app's; parsing is `parse.ts`. */

export type Magic =
  /** `%dist_init --num-processes N [--gpu-ids 0,1]`; null: as many as there are slots. */
  | { name: 'dist_init'; numProcesses: number | null; slots: number[] | null; body: string }
  /** `%%distributed`: the body runs on all ranks. */
  | { name: 'distributed'; body: string }
  /** `%%rank [0,2]`, `%%rank 1`, `%%rank 0-2`: the body runs on these ranks. */
  | { name: 'rank'; ranks: number[]; body: string }
  | { name: 'sync'; body: string }
  | { name: 'dist_status'; body: string }
  /** `%dist_mode on|off`: plain cells go to all ranks. */
  | { name: 'dist_mode'; on: boolean; body: string }
  | { name: 'dist_shutdown'; body: string }
  /** `%magics`: lists what there is. The kernel answers it. */
  | { name: 'magics'; body: string }
  /** `%%time`: runs the body and says how long it took. The kernel does it. */
  | { name: 'time'; body: string }

/**
 * `body` is the cell's code with the magic's line emptied, so that lines keep their numbers. A line magic's body
 * runs as an ordinary cell after the magic; blank when there is nothing below it.
 */
export type MagicName = Magic['name']

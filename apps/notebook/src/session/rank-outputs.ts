/**
 * What ranks show with `display(…)`, as outputs of the cell that launched them: told apart by rank, and once where
 * several ranks show the same. Not for: consoles, which are lanes of the run's panel.
 */
import type { KernelOutput } from '@rondo/kernel/output'

type Display = Extract<KernelOutput, { kind: 'display' }>

interface Shown {
  text: string
  displayId: string
  ranks: number[]
}

export class RankOutputs {
  readonly #job: string
  readonly #show: (output: KernelOutput) => void
  /** What was shown as n-th display of a rank, by n: ranks that run the same code show the same in the same order. */
  readonly #shown = new Map<number, Shown[]>()
  readonly #counts = new Map<number, number>()

  /** @param job makes display ids of one job different from those of others */
  constructor(job: string, show: (output: KernelOutput) => void) {
    this.#job = job
    this.#show = show
  }

  take(rank: number, output: KernelOutput): void {
    switch (output.kind) {
      case 'display':
        this.#display(rank, output)
        return
      case 'clear':
        // One rank must not wipe away what the others show.
        return
      case 'result':
        this.#display(rank, { ...output, kind: 'display', displayId: null, update: false })
        return
      case 'stream':
        this.#show({ ...output, text: output.text.replace(/^(?=.)/gm, `[rank ${rank}] `) })
        return
      case 'error':
        // The launch itself rejects with it.
        return
      default:
        output satisfies never
    }
  }

  #display(rank: number, output: Display): void {
    if (output.displayId !== null) {
      const displayId = `${this.#job}/rank ${rank}/${output.displayId}`
      this.#show({ ...output, displayId, metadata: labelled(output, [rank]) })
      return
    }
    const count = this.#counts.get(rank) ?? 0
    this.#counts.set(rank, count + 1)
    const others = this.#shown.get(count) ?? []
    this.#shown.set(count, others)
    const text = JSON.stringify(output.data)
    const same = others.find((shown) => shown.text === text)
    if (same !== undefined) {
      same.ranks = [...same.ranks, rank].sort((a, b) => a - b)
      this.#show({ ...output, displayId: same.displayId, update: true, metadata: labelled(output, same.ranks) })
      return
    }
    const displayId = `${this.#job}/${count}/${rank}`
    others.push({ text, displayId, ranks: [rank] })
    this.#show({ ...output, displayId, metadata: labelled(output, [rank]) })
  }
}

/** nbformat leaves metadata of outputs to programs; other readers pass it on untouched. */
function labelled({ metadata }: Display, ranks: number[]): Record<string, unknown> {
  return { ...metadata, rondo: { ranks } }
}

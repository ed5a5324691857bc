/**
 * The order in which hooks of two collectives a bucket submit them: A0 A1 B0 A2 B1 … A(n−1) B(n−2) B(n−1). The same on all
 * ranks however fast each is, and while one bucket's second is under way the next one's first is too. Not for: waiting
 * for results.
 */

/** One synchronisation of one model. Every bucket calls `first`, then `second`. */
export class TwoPhaseOrder {
  private readonly firsts: Gate[] = []
  private readonly seconds: Gate[] = []

  /** Submits bucket `k`'s first collective in its turn; resolves with its result. */
  async first<T>(k: number, submit: () => Promise<T>): Promise<T> {
    if (k >= 2) await gate(this.seconds, k - 2).opened
    const result = submit()
    gate(this.firsts, k).open()
    return result
  }

  /** The same for the second. */
  async second<T>(k: number, isLast: boolean, submit: () => Promise<T>): Promise<T> {
    if (!isLast) await gate(this.firsts, k + 1).opened
    else if (k > 0) await gate(this.seconds, k - 1).opened
    const result = submit()
    gate(this.seconds, k).open()
    return result
  }
}

interface Gate {
  opened: Promise<void>
  open: () => void
}

function gate(gates: Gate[], k: number): Gate {
  let found = gates[k]
  if (found === undefined) {
    let open = (): void => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    found = { opened, open }
    gates[k] = found
  }
  return found
}

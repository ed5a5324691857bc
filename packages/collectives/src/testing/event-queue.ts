/** A virtual clock: what is to happen when, run in order of time and, at the same time, of asking. A binary heap. */

interface Event {
  readonly at: number
  readonly number: number
  run(): void
}

export class EventQueue {
  readonly #heap: Event[] = []
  #count = 0
  /** Milliseconds since the beginning. */
  now = 0

  at(ms: number, run: () => void): void {
    const heap = this.#heap
    const event = { at: ms, number: this.#count++, run }
    let i = heap.push(event) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!before(event, heap[parent]!)) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = event
  }

  /** Runs everything; returns the time of the last. */
  run(): number {
    for (let event = this.#pop(); event !== undefined; event = this.#pop()) {
      this.now = event.at
      event.run()
    }
    return this.now
  }

  #pop(): Event | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = last
    return first
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.number < b.number)
}

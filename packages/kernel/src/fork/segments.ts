/**
 * Gathers the bytes that typed arrays look at, so that arrays over the same memory share it again on the other
 * side, while bytes that nobody reaches are not sent. Copies nothing itself.
 */

const ALIGNMENT = 8

interface Range {
  start: number
  end: number
}

/** The range that holds another one; ranges are sorted and don't overlap. */
function placeOf<T extends Range>(ranges: readonly T[], { start }: Range): T {
  let low = 0
  let high = ranges.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (ranges[middle]!.start <= start) low = middle
    else high = middle - 1
  }
  const found = ranges[low]
  if (found === undefined) throw new Error('invariant violation: a view has no segment')
  return found
}

/** Views that were met, by the buffer they look into. */
export class SegmentCollector {
  readonly #views: Array<{ buffer: ArrayBuffer; range: Range }> = []
  /** Bytes taken before a wait, when the originals could change meanwhile. */
  readonly #frozen = new Map<ArrayBuffer, { start: number; bytes: Uint8Array }[]>()

  /** Remembers a piece of a buffer; the index stands for it in nodes. */
  add(buffer: ArrayBuffer, start: number, length: number): number {
    this.#views.push({ buffer, range: { start, end: start + length } })
    return this.#views.length - 1
  }

  /** Copies what was met so far: called before waiting, because the values count as they are at that moment. */
  freeze(): void {
    for (const [buffer, ranges] of this.#merged()) {
      if (this.#frozen.has(buffer)) continue
      this.#frozen.set(
        buffer,
        ranges.map(({ start, end }) => ({ start, bytes: new Uint8Array(buffer.slice(start, end)) })),
      )
    }
  }

  /** Segments without overlap and, for each view in order, where it lies. */
  finish(): { segments: Uint8Array[]; views: Array<[number, number, number]> } {
    const segments: Uint8Array[] = []
    const places = new Map<ArrayBuffer, Array<Range & { index: number }>>()
    for (const [buffer, ranges] of this.#merged()) {
      places.set(
        buffer,
        ranges.map((range) => ({ ...range, index: segments.push(this.#bytes(buffer, range)) - 1 })),
      )
    }
    const views = this.#views.map(({ buffer, range }): [number, number, number] => {
      const place = placeOf(places.get(buffer) ?? [], range)
      return [place.index, range.start - place.start, range.end - range.start]
    })
    return { segments, views }
  }

  #bytes(buffer: ArrayBuffer, { start, end }: Range): Uint8Array {
    const frozen = this.#frozen
      .get(buffer)
      ?.find((part) => part.start === start && part.bytes.byteLength === end - start)
    return frozen?.bytes ?? new Uint8Array(buffer, start, end - start)
  }

  /** Ranges of each buffer, overlapping ones joined, starts rounded down so that every element type stays aligned. */
  #merged(): Map<ArrayBuffer, Range[]> {
    const byBuffer = new Map<ArrayBuffer, Range[]>()
    for (const { buffer, range } of this.#views) {
      const ranges = byBuffer.get(buffer)
      const start = range.start - (range.start % ALIGNMENT)
      if (ranges === undefined) byBuffer.set(buffer, [{ start, end: range.end }])
      else ranges.push({ start, end: range.end })
    }
    for (const [buffer, ranges] of byBuffer) {
      ranges.sort((a, b) => a.start - b.start)
      const joined: Range[] = []
      for (const range of ranges) {
        const last = joined.at(-1)
        if (last !== undefined && range.start < last.end) last.end = Math.max(last.end, range.end)
        else if (last !== undefined && range.start === last.start) last.end = Math.max(last.end, range.end)
        else joined.push({ ...range })
      }
      byBuffer.set(buffer, joined)
    }
    return byBuffer
  }
}

/** The timed loop of one rank: all-reduces over arrays that are kept, and a look at the sums. */
import type { ProcessGroup } from '@rondo/collectives'
import { invariant } from '@rondo/protocol'

/** Bytes of the all-reduce before the clock starts: a congestion window may have shrunk while the yardstick ran. */
const PRIME_BYTES = 262_144

export class RingOperands {
  #bytes = 0
  #input = new Float32Array(0)
  #output = new Float32Array(0)

  /** Milliseconds of `count` sums of `bytes` per rank, one after the other, from a barrier to this rank's last result. */
  async time(group: ProcessGroup, bytes: number, count: number, cold = false): Promise<number> {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#input = new Float32Array(bytes / 4).fill(group.rank + 1)
      this.#output = new Float32Array(bytes / 4)
    }
    const x = this.#input
    const into = this.#output
    if (!cold) {
      const prime = Math.min(x.length, PRIME_BYTES / 4)
      await group.allReduce(x.subarray(0, prime), { into: into.subarray(0, prime) })
      into.fill(0)
    }
    await group.barrier()
    const started = performance.now()
    for (let i = 0; i < count; i++) await group.allReduce(x, { into })
    const ms = performance.now() - started
    const sum = (group.worldSize * (group.worldSize + 1)) / 2
    for (const at of [0, x.length >> 1, x.length - 1]) {
      invariant(into[at] === sum, `element ${at} of the sum is ${into[at]} instead of ${sum}`)
    }
    return ms
  }
}

/** Steps of the newest all-reduce: how many messages had to wait for one another. */
export function stepsOfNewest(group: ProcessGroup): number {
  const newest = group.flightRecorder.dump().findLast(({ op }) => op.startsWith('allReduce'))
  invariant(newest, 'no all-reduce is on record')
  return newest.steps
}

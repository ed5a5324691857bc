/**
 * One direction of a shared link: a ring buffer of frames in shared memory, with one writer and one reader in
 * different threads. Neither ever blocks: who has nothing to do is woken by `Atomics.waitAsync`. Not for: hello,
 * bye and the link's end (shared-link.ts).
 */
import { invariant } from '@rondo/protocol'

type Frame = Uint8Array<ArrayBuffer>

/** Bytes of the counters in front of the frames: a cache line each, so that the two threads do not fight for one. */
const CONTROL_BYTES = 256
/** Words of 4 bytes in the control part, a cache line apart. Bytes written and released, modulo 2³². */
const HEAD = 0
const TAIL = 16
/** Each side's doorbell: it says that it sleeps, and the other one changes the bell to wake it. */
const READER_SLEEPS = 32
const READER_BELL = 33
const WRITER_SLEEPS = 48
const WRITER_BELL = 49
/** Bytes in front of a frame: its length. Eight, so that payloads can be viewed as float64. */
const RECORD_HEADER_BYTES = 8
/** Instead of a length: the next frame begins at the start of the ring. */
const WRAP = 0xffff_ffff

/** Bytes of memory that a ring of `capacity` bytes takes. */
export const ringBytes = (capacity: number): number => CONTROL_BYTES + capacity

const recordBytes = (bytes: number): number => RECORD_HEADER_BYTES + ((bytes + 7) & ~7)

type WaitAsync = (
  typedArray: Int32Array,
  index: number,
  value: number,
) => { async: false; value: 'not-equal' | 'timed-out' } | { async: true; value: Promise<unknown> }
/** Missing from the library of the language level that we compile for, and from older browsers. */
export const waitAsync = (Atomics as unknown as { waitAsync?: WaitAsync }).waitAsync

/** What both sides see. */
class Ring {
  protected readonly control: Int32Array
  protected readonly lengths: Uint32Array
  protected readonly memory: SharedArrayBuffer
  protected readonly start: number
  readonly capacity: number
  #waiting = false
  protected readonly bell: number
  protected readonly sleeps: number

  /** The ring lies at `offset` of `memory`; `capacity` is a power of two. */
  constructor(memory: SharedArrayBuffer, offset: number, capacity: number, side: 'reader' | 'writer') {
    this.memory = memory
    this.capacity = capacity
    this.start = offset + CONTROL_BYTES
    this.control = new Int32Array(memory, offset, CONTROL_BYTES / 4)
    this.lengths = new Uint32Array(memory, this.start, capacity / 4)
    this.bell = side === 'reader' ? READER_BELL : WRITER_BELL
    this.sleeps = side === 'reader' ? READER_SLEEPS : WRITER_SLEEPS
  }

  /** Bytes written and not released yet. */
  used(): number {
    return (Atomics.load(this.control, HEAD) - Atomics.load(this.control, TAIL)) >>> 0
  }

  /**
   * Calls `wake` once, in a task of its own, when the other side rings. False, and nothing is called, when `idle`
   * no longer holds: it is looked at after the other side can see that this one sleeps.
   */
  sleep(idle: () => boolean, wake: () => void): boolean {
    if (this.#waiting) return true
    const bell = Atomics.load(this.control, this.bell)
    Atomics.store(this.control, this.sleeps, 1)
    if (!idle()) {
      Atomics.store(this.control, this.sleeps, 0)
      return false
    }
    invariant(waitAsync, 'rings are made where Atomics.waitAsync is')
    const wait = waitAsync(this.control, this.bell, bell)
    if (!wait.async) return false
    this.#waiting = true
    void wait.value.then(() => {
      this.#waiting = false
      wake()
    })
    return true
  }

  /** Wakes this side's own sleeper, for good: the link has ended. */
  wakeSelf(): void {
    this.#ring(this.bell)
  }

  protected wakeOther(sleeps: number, bell: number): void {
    if (Atomics.exchange(this.control, sleeps, 0) === 1) this.#ring(bell)
  }

  #ring(bell: number): void {
    Atomics.add(this.control, bell, 1)
    Atomics.notify(this.control, bell)
  }
}

/** A view of shared memory. The one place where it is taken for a view of plain memory: both read and write alike. */
const view = (memory: SharedArrayBuffer, at: number, bytes: number): Frame =>
  new Uint8Array(memory, at, bytes) as Uint8Array<ArrayBufferLike> as Frame

export class RingWriter extends Ring {
  #placed = -1
  #advance = 0
  /** Bytes committed since the reader was last woken. */
  #unannounced = 0

  constructor(memory: SharedArrayBuffer, offset: number, capacity: number) {
    super(memory, offset, capacity, 'writer')
  }

  /** Where a frame of `bytes` is to be written before `commit`; null when there is no room. */
  place(bytes: number): Frame | null {
    const head = this.control[HEAD]!
    const record = recordBytes(bytes)
    let at = (head >>> 0) % this.capacity
    const left = this.capacity - at
    const skipped = record > left ? left : 0
    if (this.used() + skipped + record > this.capacity) return null
    if (skipped > 0) {
      this.lengths[at / 4] = WRAP
      at = 0
    }
    this.lengths[at / 4] = bytes
    this.#placed = head
    this.#advance = skipped + record
    return view(this.memory, this.start + at + RECORD_HEADER_BYTES, bytes)
  }

  /**
   * Hands the placed frame to the reader. One that sleeps is woken once for all frames of this turn of the event loop, or
   * when a quarter of the ring waits for it: waking costs more than a small frame, and a reader that runs looks by itself.
   */
  commit(): void {
    invariant(this.#placed === this.control[HEAD], 'a frame is placed before it is committed')
    Atomics.store(this.control, HEAD, (this.#placed + this.#advance) | 0)
    this.#placed = -1
    if (this.#unannounced === 0) queueMicrotask(() => this.#announce())
    this.#unannounced += this.#advance
    if (this.#unannounced >= this.capacity / 4) this.#announce()
  }

  #announce(): void {
    this.#unannounced = 0
    this.wakeOther(READER_SLEEPS, READER_BELL)
  }
}

export class RingReader extends Ring {
  readonly #low: number
  #advance = 0

  /** A sleeping writer is woken when at most `low` bytes are left. */
  constructor(memory: SharedArrayBuffer, offset: number, capacity: number, low: number) {
    super(memory, offset, capacity, 'reader')
    this.#low = low
  }

  /** The oldest frame, in place until `release`; null when there is none, 'broken' when no writer of ours wrote that. */
  next(): Frame | null | 'broken' {
    const used = this.used()
    if (used === 0) return null
    let at = (this.control[TAIL]! >>> 0) % this.capacity
    let skipped = 0
    if (this.lengths[at / 4] === WRAP) {
      skipped = this.capacity - at
      at = 0
    }
    const bytes = this.lengths[at / 4]!
    this.#advance = skipped + recordBytes(bytes)
    const whole =
      bytes > 0 && bytes <= this.capacity && this.#advance <= used && at + recordBytes(bytes) <= this.capacity
    if (!whole) return 'broken'
    return view(this.memory, this.start + at + RECORD_HEADER_BYTES, bytes)
  }

  /** Gives the memory of the frame from `next` back to the writer. */
  release(): void {
    Atomics.store(this.control, TAIL, (this.control[TAIL]! + this.#advance) | 0)
    if (this.used() <= this.#low) this.wakeOther(WRITER_SLEEPS, WRITER_BELL)
  }
}

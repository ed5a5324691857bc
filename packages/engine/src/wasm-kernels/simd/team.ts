/**
 * Helpers for large products where tfjs's heap is shared memory: workers with the same programs over the same heap,
 * which take tile calls from one list. The thread that asks works too, so that nothing waits for helpers to start.
 * Not for: what the calls are (../product.ts), kernels of tfjs, which have threads of their own.
 */
import { RondoError } from '@rondo/protocol'

/** A call of a tile program: its index, then its arguments. */
export type TileTask = readonly number[]

/** 32-bit words that a task takes on the list; the longest call has 15 arguments. */
const TASK_WORDS = 16
const MOST_TASKS = 512
/** Words at the start of the list: tasks left, tasks done, and a number that grows with every list. */
const [LEFT, DONE, ROUND, HEAD_WORDS] = [0, 1, 2, 16] as const
/** Looks at the count before the thread sleeps: a helper's last task is a few microseconds long. */
const SPINS = 2_000
/** Milliseconds after which a helper that took a task is taken for dead. */
const TASK_LIMIT_MS = 10_000
const WORD_BYTES = 4

/** Bytes of the list on the heap. */
export const TEAM_BYTES = (HEAD_WORDS + MOST_TASKS * TASK_WORDS) * WORD_BYTES

/**
 * What a helper runs, as text: a worker made of a blob needs no file at an address. Tasks left are counted down, so
 * that a number above zero is a task nobody else has, whatever list it is from.
 */
const HELPER = `
  const start = ({ module, memory, list, tileCount }) => {
    const { exports } = new WebAssembly.Instance(module, { env: { memory } })
    const tiles = Array.from({ length: tileCount }, (_, i) => exports['tile' + i])
    const words = new Int32Array(memory.buffer, list, ${HEAD_WORDS + MOST_TASKS * TASK_WORDS})
    for (let seen = 0; ; ) {
      Atomics.wait(words, ${ROUND}, seen)
      seen = Atomics.load(words, ${ROUND})
      for (let left; (left = Atomics.sub(words, ${LEFT}, 1)) > 0; ) {
        const at = ${HEAD_WORDS} + (left - 1) * ${TASK_WORDS}
        tiles[words[at]](...words.subarray(at + 1, at + ${TASK_WORDS}))
        Atomics.add(words, ${DONE}, 1)
        Atomics.notify(words, ${DONE})
      }
    }
  }`

export interface TeamParts {
  module: WebAssembly.Module
  memory: WebAssembly.Memory
  /** Byte offset of `TEAM_BYTES` on the heap. */
  list: number
  tiles: ReadonlyArray<(...args: number[]) => void>
}

/** What a helper is told at its start; structured-cloneable. */
export type HelperStart = Omit<TeamParts, 'tiles'> & { tileCount: number }

/** Starts one helper of the given text, which defines `start`. */
export type StartHelper = (text: string, message: HelperStart) => void

export class TileTeam {
  /** Threads, the asking one included. */
  readonly size: number
  readonly #words: Int32Array
  readonly #tiles: TeamParts['tiles']

  constructor({ module, memory, list, tiles }: TeamParts, helpers: number, startHelper: StartHelper) {
    this.size = helpers + 1
    this.#tiles = tiles
    this.#words = new Int32Array(memory.buffer, list, TEAM_BYTES / WORD_BYTES)
    this.#words.fill(0)
    for (let i = 0; i < helpers; i++) startHelper(HELPER, { module, memory, list, tileCount: tiles.length })
  }

  /** Runs calls that do not depend on each other; they are all done when it returns. */
  run(tasks: readonly TileTask[]): void {
    for (let from = 0; from < tasks.length; from += MOST_TASKS) this.#runList(tasks.slice(from, from + MOST_TASKS))
  }

  #runList(tasks: readonly TileTask[]): void {
    const words = this.#words
    tasks.forEach((task, i) => {
      words.set(task, HEAD_WORDS + i * TASK_WORDS)
    })
    Atomics.store(words, DONE, 0)
    Atomics.store(words, LEFT, tasks.length)
    Atomics.add(words, ROUND, 1)
    Atomics.notify(words, ROUND)
    for (let left = Atomics.sub(words, LEFT, 1); left > 0; left = Atomics.sub(words, LEFT, 1)) {
      const [tile = 0, ...args] = tasks[left - 1] as TileTask
      this.#tiles[tile]?.(...args)
      Atomics.add(words, DONE, 1)
    }
    this.#waitFor(tasks.length)
  }

  #waitFor(count: number): void {
    const words = this.#words
    for (let i = 0; i < SPINS; i++) if (Atomics.load(words, DONE) === count) return
    for (let done = Atomics.load(words, DONE); done !== count; done = Atomics.load(words, DONE)) {
      if (Atomics.wait(words, DONE, done, TASK_LIMIT_MS) !== 'timed-out') continue
      throw new RondoError(
        'ACCELERATOR_UNAVAILABLE',
        `threads is ${this.size}: a helper of the wasm accelerator took part of a product and gave nothing back for ` +
          `${TASK_LIMIT_MS / 1_000} s. Every helper must stay alive. Reload the page, or start with OMP_NUM_THREADS=1.`,
      )
    }
  }
}

/** A helper as a browser's worker; null where there are none or the thread may not wait (a page's own). */
export function browserHelpers(): StartHelper | null {
  const isWorker = typeof Worker !== 'undefined' && typeof document === 'undefined'
  if (!isWorker || typeof Blob === 'undefined' || globalThis.crossOriginIsolated !== true) return null
  return (text, message) => {
    const address = URL.createObjectURL(new Blob([`${text}\nonmessage = ({ data }) => start(data)`]))
    new Worker(address).postMessage(message)
    URL.revokeObjectURL(address)
  }
}

/**
 * Reductions over float32 by WebAssembly's vectors, four values at a time. Operands lie anywhere, so they go through two
 * tiles of a small memory of ours: copies within the cache are cheap beside JavaScript's scalar loop. Same bits as the
 * plain loops (NaN's payload aside), because doubles hold a sum, product or quotient of floats well enough to round once.
 * Not for: other types (reduce.ts).
 */
import {
  addFloats,
  advance,
  assemble,
  type Code,
  divideFloats,
  FunctionBuilder,
  get,
  int,
  load,
  loadSplat,
  maxFloats,
  minFloats,
  multiplyFloats,
  type Program,
  repeat,
  set,
  store,
} from '@rondo/engine/simd-assembler'
import type { JoinOp } from './reduce.ts'

/** target[i] = target[i] ∘ source[from + i] for all i of target. */
type JoinFloats = (target: Float32Array, source: Float32Array, from: number) => void

export interface SimdReductions extends Readonly<Record<JoinOp, JoinFloats>> {
  /** x[i] = x[i] / divisor. The divisor is a float32. */
  divide(x: Float32Array, divisor: number): void
}

const VECTOR_BYTES = 16
/** Vectors in one round of a loop, for fewer jumps. */
const UNROLLED = 4
const ROUND_BYTES = UNROLLED * VECTOR_BYTES
/** Floats of a tile: two tiles fit into a processor's first cache (measured: 4 to 32 KiB make little difference). */
const TILE = 4_096
const TILE_BYTES = 4 * TILE
const MODULE_OPS = { sum: addFloats, min: minFloats, max: maxFloats, product: multiplyFloats } as const

type Binary = (a: Code, b: Code) => Code
type Exports = Readonly<Record<JoinOp | 'divide', (target: number, source: number, rounds: number) => void>>

const eachVector = (statement: (offset: number) => Code): Code[] =>
  Array.from({ length: UNROLLED }, (_, i) => statement(i * VECTOR_BYTES))

/** Parameters: addresses of target and source, rounds. */
function join(name: string, op: Binary): Program {
  const [target, source, rounds] = [0, 1, 2] as const
  const f = new FunctionBuilder(3)
  const body = repeat(
    rounds,
    get(rounds),
    ...eachVector((at) => store(get(target), op(load(get(target), at), load(get(source), at)), at)),
    advance(target, int(ROUND_BYTES)),
    advance(source, int(ROUND_BYTES)),
  )
  return { name, signature: f.signature(), body: f.body(body) }
}

/** Parameters: addresses of target and divisor, rounds. */
function divide(): Program {
  const [target, source, rounds] = [0, 1, 2] as const
  const f = new FunctionBuilder(3)
  const divisor = f.vector()
  const body = repeat(
    rounds,
    get(rounds),
    ...eachVector((at) => store(get(target), divideFloats(load(get(target), at), get(divisor)), at)),
    advance(target, int(ROUND_BYTES)),
  )
  return { name: 'divide', signature: f.signature(), body: f.body(set(divisor, loadSplat(get(source))), body) }
}

let linked: SimdReductions | null | undefined

/** Assembled on first use. Null where the engine knows no vectors, or must not compile WebAssembly. */
export function simdReductions(): SimdReductions | null {
  if (linked === undefined) linked = link()
  return linked
}

function link(): SimdReductions | null {
  const ops = Object.entries(MODULE_OPS).map(([name, op]) => join(name, op))
  const bytes = assemble([...ops, divide()], false)
  let programs: Exports
  const memory = new WebAssembly.Memory({ initial: 1 })
  try {
    programs = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports as Exports
  } catch {
    return null
  }
  const mine = new Float32Array(memory.buffer, 0, TILE)
  const other = new Float32Array(memory.buffer, TILE_BYTES, TILE)
  const roundsFor = (count: number): number => Math.ceil((4 * count) / ROUND_BYTES)

  /** Runs `work` over x in tiles: on `count` floats that begin at `at`, and lie at the start of `mine`. */
  const tiled = (x: Float32Array, work: (at: number, count: number) => void): void => {
    for (let at = 0; at < x.length; at += TILE) {
      const count = Math.min(TILE, x.length - at)
      const part = x.subarray(at, at + count)
      mine.set(part)
      work(at, count)
      part.set(count === TILE ? mine : mine.subarray(0, count))
    }
  }
  const joining =
    (op: JoinOp): JoinFloats =>
    (target, source, from) =>
      tiled(target, (at, count) => {
        other.set(source.subarray(from + at, from + at + count))
        programs[op](0, TILE_BYTES, roundsFor(count))
      })
  return {
    sum: joining('sum'),
    min: joining('min'),
    max: joining('max'),
    product: joining('product'),
    divide(x, divisor) {
      other[0] = divisor
      tiled(x, (_, count) => programs.divide(0, TILE_BYTES, roundsFor(count)))
    },
  }
}

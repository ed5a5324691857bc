/**
 * Optimizer steps as vector loops over the wasm heap: four values at a time, in the order of operations of the host
 * loops in optimizers/, so that both give the same bits. Not for: the last values of a parameter whose size is no
 * multiple of four (the host loops), nor for choosing (optimizers/fused/heap.ts).
 */
import type { BackendWasm } from '../../tfjs.ts'
import {
  add,
  addFloats,
  advance,
  type Code,
  FunctionBuilder,
  get,
  int,
  type Local,
  load,
  loadSplat,
  multiplyFloats,
  type Program,
  repeat,
  set,
  store,
} from './assembler.ts'
import { linkPrograms } from './instance.ts'

const VECTOR_BYTES = 16
const FLOAT_BYTES = 4

/** f32x4.sub, f32x4.div and f32x4.sqrt of the vector instructions. */
const subtractFloats = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0xe5, 0x01]
const divideFloats = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0xe7, 0x01]
const rootFloats = (a: Code): Code => [...a, 0xfd, 0xe3, 0x01]

/** Byte addresses of value, gradient, new value, three slots and the scalars; how many vectors. Unused slots are 0. */
type OptimizerLoop = (
  value: number,
  gradient: number,
  next: number,
  slot0: number,
  slot1: number,
  slot2: number,
  scalars: number,
  vectors: number,
) => void

const LOOPS = ['sgd', 'momentum', 'nesterov', 'adam', 'rmsprop', 'rmspropCentered'] as const
/** A loop for each kind of step; what the scalars are stands in the optimizers' own files. */
export type OptimizerLoopName = (typeof LOOPS)[number]
type OptimizerPrograms = Readonly<Record<OptimizerLoopName, OptimizerLoop>>

const PARAMETERS = 8
const [VALUE, GRADIENT, NEXT, SLOT, SCALARS, VECTORS] = [0, 1, 2, 3, 6, 7] as const

interface Values {
  w: Code
  /** The gradient, averaged. */
  g: Code
  /** Scalars by index. */
  a: (index: number) => Code
  slots: Code[]
  /** Keeps an intermediate in a register, so that it is computed once. */
  keep: (value: Code) => Code
}

/** Makes a loop of one step: `step` gives the statements' values, new slots first, then the new value. */
function loop(
  name: OptimizerLoopName,
  slots: number,
  step: (values: Values) => { slots: Code[]; next: Code },
): Program {
  const f = new FunctionBuilder(PARAMETERS)
  const counter = f.int()
  const before: Code[] = []
  const splats = new Map<number, Local>()
  const body: Code[] = []
  const keep = (value: Code): Code => {
    const register = f.vector()
    body.push(set(register, value))
    return get(register)
  }
  const a = (index: number): Code => {
    let register = splats.get(index)
    if (register === undefined) {
      register = f.vector()
      splats.set(index, register)
      before.push(set(register, loadSplat(add(get(SCALARS), int(index * FLOAT_BYTES)))))
    }
    return get(register)
  }
  const w = keep(load(get(VALUE)))
  const g = keep(multiplyFloats(load(get(GRADIENT)), a(0)))
  const olds = Array.from({ length: slots }, (_, i) => load(get(SLOT + i)))
  const result = step({ w, g, a, slots: olds, keep })
  result.slots.forEach((value, i) => {
    body.push(store(get(SLOT + i), value))
  })
  body.push(store(get(NEXT), result.next))
  const pointers = [VALUE, GRADIENT, NEXT, ...olds.map((_, i) => SLOT + i)]
  for (const pointer of pointers) body.push(advance(pointer, int(VECTOR_BYTES)))
  return {
    name,
    signature: f.signature(),
    body: f.body(before.flat(), repeat(counter, get(VECTORS), ...body)),
  }
}

function sgd(name: 'sgd' | 'momentum' | 'nesterov'): Program {
  return loop(name, name === 'sgd' ? 0 : 1, ({ w, g, a, slots, keep }) => {
    const decayed = keep(addFloats(g, multiplyFloats(a(3), w)))
    const old = slots[0]
    if (old === undefined) return { slots: [], next: subtractFloats(w, multiplyFloats(a(1), decayed)) }
    const buffer = keep(addFloats(multiplyFloats(a(2), old), decayed))
    const direction = name === 'nesterov' ? addFloats(decayed, multiplyFloats(a(2), buffer)) : buffer
    return { slots: [buffer], next: subtractFloats(w, multiplyFloats(a(1), direction)) }
  })
}

function adam(): Program {
  return loop('adam', 2, ({ w, g, a, slots, keep }) => {
    const decayed = keep(addFloats(g, multiplyFloats(a(1), w)))
    const first = keep(addFloats(multiplyFloats(a(3), slots[0] as Code), multiplyFloats(a(4), decayed)))
    const squared = multiplyFloats(multiplyFloats(a(6), decayed), decayed)
    const second = keep(addFloats(multiplyFloats(a(5), slots[1] as Code), squared))
    const denominator = addFloats(multiplyFloats(rootFloats(second), a(8)), a(9))
    const update = divideFloats(multiplyFloats(a(7), first), denominator)
    return { slots: [first, second], next: subtractFloats(multiplyFloats(w, a(2)), update) }
  })
}

function rmsprop(centered: boolean): Program {
  return loop(centered ? 'rmspropCentered' : 'rmsprop', centered ? 3 : 2, ({ w, g, a, slots, keep }) => {
    const decayed = keep(addFloats(g, multiplyFloats(a(1), w)))
    const squared = multiplyFloats(multiplyFloats(a(3), decayed), decayed)
    const square = keep(addFloats(multiplyFloats(a(2), slots[0] as Code), squared))
    const mean = centered
      ? keep(addFloats(multiplyFloats(a(2), slots[2] as Code), multiplyFloats(a(3), decayed)))
      : null
    const variance = mean === null ? square : subtractFloats(square, multiplyFloats(mean, mean))
    const root = addFloats(rootFloats(addFloats(variance, a(5))), a(6))
    const step = divideFloats(multiplyFloats(a(7), decayed), root)
    const buffer = keep(addFloats(multiplyFloats(a(4), slots[1] as Code), step))
    const next = subtractFloats(w, multiplyFloats(a(8), buffer))
    return { slots: mean === null ? [square, buffer] : [square, buffer, mean], next }
  })
}

const PROGRAMS: readonly Program[] = [
  sgd('sgd'),
  sgd('momentum'),
  sgd('nesterov'),
  adam(),
  rmsprop(false),
  rmsprop(true),
]

const linked = new WeakMap<BackendWasm, OptimizerPrograms | null>()

/** The loops over this backend's heap, assembled and linked on first use; null where there is no SIMD. */
export function optimizerPrograms(backend: BackendWasm): OptimizerPrograms | null {
  let programs = linked.get(backend)
  if (programs === undefined) {
    programs = linkPrograms(backend, [PROGRAMS]) as OptimizerPrograms | null
    linked.set(backend, programs)
  }
  return programs
}

/**
 * PowerSGD (Vogels et al. 2019): each matrix of gradients is sent as two thin factors, found by one step of power
 * iteration that all ranks take together. 4·r·(n+m) bytes for an n × m tensor instead of 4·n·m. Not for: the
 * arithmetic (low-rank.ts) or the options (state.ts).
 */
import { Random } from '@rondo/engine'
import type { BucketTensor, CommHook, CommHookContext, GradientBucket } from '../comm-hook.ts'
import { addInto, ErrorMemory, finiteOrZero } from '../error-memory.ts'
import { TwoPhaseOrder } from '../two-phase-order.ts'
import { normOf, orthonormalise, product, timesQ, transposedTimesP } from './low-rank.ts'
import type { PowerSGDState } from './state.ts'

/** A tensor seen as n × m, its last axis being m, and the rank of its factors. */
interface Matrix extends BucketTensor {
  n: number
  m: number
  r: number
}

/** What a bucket's tensors become, and the factors that its matrices go on from. */
interface Plan {
  plain: readonly BucketTensor[]
  matrices: readonly Matrix[]
  random: Random
  factors: Array<Float32Array | null>
}

export function powerSGDHook(state: PowerSGDState, wire: string): CommHook {
  const plans = new Map<number, Plan>()
  let order = new TwoPhaseOrder()
  const errors = state.useErrorFeedback ? new ErrorMemory() : null
  return {
    name: 'powerSGD',
    wire: `powerSGD of rank ${state.matrixApproximationRank} as ${wire} after ${state.startPowerSGDIter} plain steps`,
    overlaps: true,
    async reduce(bucket, context) {
      if (context.step < state.startPowerSGDIter) return context.allReduce(bucket.values, `gradients ${bucket.index}`)
      if (bucket.index === 0) order = new TwoPhaseOrder()
      let plan = plans.get(bucket.index)
      if (plan === undefined) {
        plan = planOf(bucket, state)
        plans.set(bucket.index, plan)
      }
      const error = errors?.of(bucket.index, bucket.values.length) ?? null
      return sumFactors(bucket, context, order, plan, state, error)
    },
  }
}

async function sumFactors(
  { index, isLast, values }: GradientBucket,
  { allReduce, weight }: CommHookContext,
  order: TwoPhaseOrder,
  { plain, matrices, random, factors }: Plan,
  state: PowerSGDState,
  error: Float32Array | null,
): Promise<Float32Array> {
  if (error !== null) addInto(values, error)
  const of = ({ offset, size }: BucketTensor): Float32Array => values.subarray(offset, offset + size)
  const q = matrices.map((matrix, i) => startFactor(matrix, state.warmStart ? factors[i] : null, random))
  const p = matrices.map((matrix, i) => timesQ(of(matrix), matrix.n, matrix.m, q[i] as Float32Array, matrix.r))
  const message = join([...plain.map(of), ...p])
  const first = await order.first(index, () => allReduce(message, `tensors and P ${index}`))
  let at = cutInto(plain.map(of), first, 0)
  at = cutInto(p, first, at)
  matrices.forEach(({ n, r }, i) => {
    orthonormalise(p[i] as Float32Array, n, r, state.orthogonalizationEpsilon)
  })
  matrices.forEach((matrix, i) => {
    q[i] = transposedTimesP(of(matrix), matrix.n, matrix.m, p[i] as Float32Array, matrix.r)
  })
  const nothing = new Float32Array(0)
  cutInto(
    q,
    await order.second(index, isLast, async () => (q.length > 0 ? allReduce(join(q), `Q ${index}`) : nothing)),
    0,
  )
  matrices.forEach((matrix, i) => {
    const { n, m, r, offset } = matrix
    const mine = of(matrix).slice()
    product(p[i] as Float32Array, q[i] as Float32Array, n, m, r, of(matrix))
    // `mine` is a share of the average, so this rank's share of the approximation is what went out of it.
    error?.set(
      mine.map((value, j) => finiteOrZero(value - weight * (values[offset + j] as number))),
      offset,
    )
    factors[i] = q[i] as Float32Array
  })
  return values
}

function planOf({ index, tensors }: GradientBucket, state: PowerSGDState): Plan {
  const matrices: Matrix[] = []
  const plain: BucketTensor[] = []
  for (const tensor of tensors) {
    const m = tensor.shape.at(-1) ?? 1
    const n = m === 0 ? 0 : tensor.size / m
    const r = Math.min(state.matrixApproximationRank, n, m)
    const pays = tensor.shape.length > 1 && (n + m) * r * state.minCompressionRate < n * m
    if (pays) matrices.push({ ...tensor, n, m, r })
    else plain.push(tensor)
  }
  const random = new Random((state.randomSeed + index) >>> 0)
  return { plain, matrices, random, factors: matrices.map(() => null) }
}

/**
 * Q to begin with: last step's or random, in columns of length 1. Their length has no say in the result, and this way
 * P fits half precision. A column that vanished would stay zero for ever: it is drawn anew, evenly from −1 to 1,
 * because normal numbers need logarithms, and those differ between browsers.
 */
function startFactor({ m, r }: Matrix, last: Float32Array | null | undefined, random: Random): Float32Array {
  const q = last ?? new Float32Array(r * m)
  for (let k = 0; k < r; k++) {
    const column = q.subarray(k * m, (k + 1) * m)
    let norm = normOf(column)
    if (!(norm > 0 && norm < Number.POSITIVE_INFINITY)) {
      for (let j = 0; j < m; j++) column[j] = 2 * random.next() - 1
      norm = normOf(column)
    }
    for (let j = 0; j < m; j++) column[j] = (column[j] as number) / norm
  }
  return q
}

function join(parts: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

/** Fills the parts from `joined`, beginning `at`; returns where it ended. */
function cutInto(parts: readonly Float32Array[], joined: Float32Array, at: number): number {
  let end = at
  for (const part of parts) {
    part.set(joined.subarray(end, end + part.length))
    end += part.length
  }
  return end
}

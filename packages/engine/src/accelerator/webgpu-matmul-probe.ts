/**
 * Whether tfjs's choice among its matrix products works on this adapter. On a software adapter the backward of a dense
 * layer of 64×128·1000 once did not come back; there another of tfjs's programs takes its place. Waits are bounded: a
 * product that hangs never answers, but it does not stop this thread. Not for: hardware, which is taken as it is.
 */
import { tf } from '../tfjs.ts'

/**
 * Milliseconds for the first product, its shader's compilation included: that is what takes SwiftShader so long, 1 to
 * 4.6 s for tfjs's packed program, which then computes faster than the others.
 */
const DEADLINE_MS = 20_000
/** Milliseconds of a compiled product, 16 MFLOP, from which it crawls; SwiftShader takes 0.1 to 0.7 s. */
const CRAWL_MS = 3_000
/** Rows, depth and columns of the layer. */
const [ROWS, DEPTH, COLUMNS] = [64, 128, 1_000]

const FLAG = 'WEBGPU_MATMUL_PROGRAM_TYPE'
const AUTOMATIC = -1
/** tfjs's MatMulProgramType: those that take any shape. */
const PROGRAMS = { 'small output': 2, packed: 3 } as const

/**
 * Tries the weights' gradient on the current webgpu backend, and sets tfjs's flag where tfjs's own choice hangs or
 * crawls and another program does not. `renew` puts a new device in the place of one that hangs.
 * @returns the line to show; null when all is well
 */
export async function probeMatMul(renew: () => Promise<void>): Promise<string | null> {
  const automatic = await timeWith(AUTOMATIC)
  if (automatic !== null && automatic < CRAWL_MS) return null
  const trouble =
    automatic === null ? `did not answer within ${DEADLINE_MS / 1000} s` : `took ${Math.round(automatic)} ms`
  for (const [name, program] of Object.entries(PROGRAMS)) {
    if (automatic === null) await renew()
    const ms = await timeWith(program)
    if (ms === null || ms >= CRAWL_MS) continue
    tf.env().set(FLAG, program)
    return `tfjs's own choice of a matrix product ${trouble} on this adapter; its "${name}" program takes its place`
  }
  return `matrix products ${trouble} on this adapter, and no other program is better: use accelerator "wasm"`
}

/** Milliseconds of the product once its shader is compiled; null past the deadline. */
async function timeWith(program: number): Promise<number | null> {
  const x = tf.ones([ROWS, DEPTH])
  const y = tf.ones([ROWS, COLUMNS])
  const run = async (): Promise<number> => {
    const start = performance.now()
    // Too large for tfjs to compute it on the host.
    const product = tf.matMul(x as tf.Tensor2D, y as tf.Tensor2D, true, false)
    const most = tf.max(product)
    try {
      await most.data()
      return performance.now() - start
    } finally {
      tf.dispose([product, most])
    }
  }
  let late: ReturnType<typeof setTimeout> | undefined
  const deadline = new Promise<null>((resolve) => {
    late = setTimeout(() => resolve(null), DEADLINE_MS)
  })
  tf.env().set(FLAG, program)
  try {
    const runs = run().then(run)
    // A device that is given up rejects its reads; nobody waits for them then.
    runs.catch(() => {})
    return await Promise.race([runs, deadline])
  } finally {
    clearTimeout(late)
    tf.dispose([x, y])
    tf.env().set(FLAG, AUTOMATIC)
  }
}

/**
 * What compression left out of each bucket, kept and added at the next step, so that nothing of a gradient is lost but
 * only late (error feedback: Seide et al. 2014; Karimireddy et al. 2019). Belongs to one rank; never travels.
 */

/** By bucket; zeros before the first step. */
export class ErrorMemory {
  private readonly kept = new Map<number, Float32Array>()

  of(bucket: number, length: number): Float32Array {
    let error = this.kept.get(bucket)
    if (error === undefined || error.length !== length) {
      error = new Float32Array(length)
      this.kept.set(bucket, error)
    }
    return error
  }
}

/** values += error. */
export function addInto(values: Float32Array, error: Float32Array): void {
  for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) + (error[i] as number)
}

/** A step with infinities must not poison all that follow: what is not finite is forgotten. */
export function finiteOrZero(error: number): number {
  return error - error === 0 ? error : 0
}

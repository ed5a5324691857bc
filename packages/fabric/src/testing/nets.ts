/** Small models whose gradients are known, and a Fabric that is ready on a rank. For tests only. */
import { tf } from '@rondo/engine'
import { Fabric } from '../fabric.ts'
import type { FabricOptions } from '../options.ts'
import type { TestRank } from './ranks.ts'

/** A launched Fabric on this rank. */
export async function fabricOn({ context }: TestRank, options: FabricOptions = {}): Promise<Fabric> {
  const fabric = new Fabric(options, context)
  await fabric.launch()
  return fabric
}

/** Variables whose loss is what each is multiplied with: d loss / d weight is that factor. */
export class Weights {
  readonly variables: Record<string, tf.Variable>

  constructor(shapes: Record<string, number>) {
    this.variables = Object.fromEntries(
      Object.entries(shapes).map(([name, size]) => [name, tf.variable(tf.zeros([size]))]),
    )
  }

  forward(factors: Record<string, number[]>): tf.Scalar {
    const parts = Object.entries(this.variables).map(([name, weight]) =>
      tf.sum(tf.mul(weight, tf.tensor1d(factors[name] as number[]))),
    )
    return tf.addN(parts) as tf.Scalar
  }

  parameters(): Record<string, tf.Variable> {
    return this.variables
  }

  /** With a learning rate of 1 and weights of 0: the gradient, negated, that the step used. */
  values(): Record<string, number[]> {
    return Object.fromEntries(Object.entries(this.variables).map(([name, weight]) => [name, [...weight.dataSync()]]))
  }
}

/**
 * Makes optimizers: by function, by name, or out of a tfjs optimizer as users write it (`tf.train.adam(1e-3)`),
 * with that one's hyper-parameters and placement of ε. Not for: the formulas.
 */
import { RondoError } from '@rondo/protocol'
import { tf } from '../tfjs.ts'
import { Adam, type AdamOptions } from './adam.ts'
import { Optimizer, type OptimizerState } from './optimizer.ts'
import { RmsProp, type RmsPropOptions } from './rmsprop.ts'
import { Sgd, type SgdOptions } from './sgd.ts'

/** Stochastic gradient descent with momentum, Nesterov and weight decay as torch.optim.SGD. */
export const sgd = (options: SgdOptions): Optimizer => new Sgd(options)
/** Adam (Kingma and Ba 2015) with the formula and defaults of torch.optim.Adam. */
export const adam = (options: AdamOptions = {}): Optimizer => new Adam(options, 'adam')
/** Adam with decoupled weight decay (Loshchilov and Hutter 2019), as torch.optim.AdamW. */
export const adamw = (options: AdamOptions = {}): Optimizer => new Adam(options, 'adamw')
/** RMSProp as torch.optim.RMSprop, or with tfjs's placement of ε by `variant: 'tfjs'`. */
export const rmsprop = (options: RmsPropOptions = {}): Optimizer => new RmsProp(options)

const BY_KIND: Readonly<Record<string, (options: never) => Optimizer>> = { sgd, adam, adamw, rmsprop }

/**
 * The optimizer that saved hyper-parameters describe, with no moments yet.
 * @throws RondoError BAD_FILE for a kind that is none of ours.
 */
export function optimizerOfKind({ kind, ...options }: OptimizerState['hyperparameters']): Optimizer {
  const make = typeof kind === 'string' && Object.hasOwn(BY_KIND, kind) ? BY_KIND[kind] : undefined
  if (make !== undefined) return make(options as never)
  const known = Object.keys(BY_KIND).join(', ')
  throw new RondoError('BAD_FILE', `The saved optimizer is of kind "${kind}". Known are ${known}. Train it anew.`)
}

/** The hyper-parameters as tfjs's optimizer objects keep them; most are declared protected. */
interface TfjsFields {
  learningRate: number
  momentum: number
  useNesterov: boolean
  beta1: number
  beta2: number
  decay: number
  epsilon: number
  centered: boolean
}

/** By tfjs class name, so that an optimizer from another copy of tfjs is understood too. */
const ADOPTERS: Readonly<Record<string, (fields: TfjsFields) => Optimizer>> = {
  SGD: ({ learningRate }) => new Sgd({ learningRate }),
  Momentum: ({ learningRate, momentum, useNesterov }) => new Sgd({ learningRate, momentum, nesterov: useNesterov }),
  Adam: ({ learningRate, beta1, beta2, epsilon }) =>
    new Adam({ learningRate, beta1, beta2, epsilon: epsilon ?? tf.backend().epsilon() }),
  RMSProp: ({ learningRate, decay, momentum, epsilon, centered }) =>
    new RmsProp({
      learningRate,
      decay,
      momentum,
      epsilon: epsilon ?? tf.backend().epsilon(),
      centered,
      variant: 'tfjs',
    }),
}

/**
 * Turns a tfjs optimizer into one whose state is named and ordered; ours are returned as they are.
 * State that the tfjs optimizer has already gathered is not taken over.
 * @throws RondoError UNSUPPORTED for kinds without a counterpart, BAD_ARGUMENT for what is no optimizer.
 */
export function adoptOptimizer(optimizer: Optimizer | tf.Optimizer): Optimizer {
  if (optimizer instanceof Optimizer) return optimizer
  const kind = (optimizer as Partial<tf.Optimizer> | null)?.getClassName?.()
  const adopter = kind !== undefined && Object.hasOwn(ADOPTERS, kind) ? ADOPTERS[kind] : undefined
  if (adopter !== undefined) return adopter(optimizer as unknown as TfjsFields)
  const supported = 'tf.train.sgd, momentum, adam and rmsprop, and sgd, adam, adamw and rmsprop from rondo'
  if (kind === undefined) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `setup(model, optimizer): the optimizer is ${optimizer === null ? 'null' : `a ${typeof optimizer}`}. ` +
        `Allowed are ${supported}. Pass the optimizer object, such as tf.train.adam(1e-3).`,
    )
  }
  throw new RondoError(
    'UNSUPPORTED',
    `Optimizer ${kind} is not supported. Allowed are ${supported}. Choose one of these.`,
  )
}

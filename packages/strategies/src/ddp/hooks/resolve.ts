/**
 * From what people write – a hook's name or function, its state, a wrapper – to a hook. One hook object serves one
 * model: it keeps errors and factors between steps. Not for: what the hooks do.
 */
import { RondoError } from '@rondo/protocol'
import { postLocalSGDHook, postLocalSGDState } from '../../local-sgd/post-local-hook.ts'
import { BOOLEAN, checkOptions, number, oneOf } from '../../options.ts'
import { CAST_CODECS, type CastName, castHook } from './cast.ts'
import type { CommHook } from './comm-hook.ts'
import { type Int8State, int8Hook } from './int8.ts'
import { type OwnCommHook, ownHook } from './own-hook.ts'
import { powerSGDHook } from './power-sgd/hook.ts'
import { powerSGDState } from './power-sgd/state.ts'
import { topKHook } from './top-k.ts'

/** Hooks by name, as the documentation spells them. */
export const COMM_HOOKS = ['fp32', 'fp16', 'bf16', 'int8', 'powerSGD', 'topK', 'post_localSGD'] as const
export type CommHookName = (typeof COMM_HOOKS)[number]

export type CommHookWrapper = CastName

/** Other spellings, in lower case without _ and -. */
const ALIASES: Readonly<Record<string, CommHookName>> = { f32: 'fp32', f16: 'fp16' }

const TOP_K_RATIO = 0.01

const RATIO = number('above 0 and up to 1', (value) => value > 0 && value <= 1)

export interface CommHookOptions {
  /** A name, a function of one's own, or undefined for plain float32 sums. */
  hook: string | OwnCommHook | undefined
  /** The hook's options; an own function gets it as it is. */
  state: unknown
  /** Format of another hook's messages. */
  wrapper: string | undefined
}

/** The hook's plain name. Throws BAD_ARGUMENT for an unknown one, with the list. */
export function parseCommHook(name: string): CommHookName {
  const plain = plainName(name)
  const known = COMM_HOOKS.find((candidate) => plainName(candidate) === plain) ?? ALIASES[plain]
  if (known !== undefined) return known
  throw new RondoError(
    'BAD_ARGUMENT',
    `ddpCommHook "${name}" is not known. Allowed are ${COMM_HOOKS.join(', ')}, or a function (bucket, ctx) => Promise<bucket>. Choose one of these.`,
  )
}

function plainName(name: string): string {
  return name.trim().toLowerCase().replaceAll(/[_-]/g, '')
}

/** A new hook for one model; null for plain float32 sums. Throws BAD_ARGUMENT saying what is allowed. */
export function makeCommHook({ hook, state, wrapper }: CommHookOptions): CommHook | null {
  const cast = parseWrapper(wrapper)
  if (typeof hook === 'function') {
    const own = ownHook(hook, state)
    return wrapped(own, cast, `${own.wire} as ${wireOf(cast)}`)
  }
  if (hook !== undefined && typeof hook !== 'string') {
    throw new RondoError(
      'BAD_ARGUMENT',
      `ddpCommHook is a ${typeof hook}; allowed are ${COMM_HOOKS.join(', ')}, or a function. Pass one of these.`,
    )
  }
  const name = parseCommHook(hook ?? 'fp32')
  const options = stateObject(state)
  switch (name) {
    case 'fp32':
      checkOptions(`ddpCommState of ${name}`, options, {})
      return cast === null ? null : castHook(cast)
    case 'fp16':
    case 'bf16':
      checkOptions(`ddpCommState of ${name}`, options, {})
      refuseWrapper(name, cast)
      return castHook(name)
    case 'int8':
      checkOptions('int8', options, { errorFeedback: BOOLEAN, rounding: oneOf('nearest', 'stochastic') })
      refuseWrapper(name, cast)
      return int8Hook({ errorFeedback: true, rounding: 'nearest', ...(options as Partial<Int8State>) })
    case 'powerSGD':
      return wrapped(powerSGDHook(powerSGDState(options), wireOf(cast)), cast)
    case 'topK':
      checkOptions('topK', options, { ratio: RATIO, errorFeedback: BOOLEAN })
      return topKHook(
        {
          ratio: (options['ratio'] as number | undefined) ?? TOP_K_RATIO,
          errorFeedback: (options['errorFeedback'] as boolean | undefined) ?? true,
        },
        wireOf(cast),
      )
    case 'post_localSGD':
      return wrapped(postLocalSGDHook(postLocalSGDState(options)), cast)
    default:
      return name satisfies never
  }
}

/** The same hook whose `ctx.allReduce` casts. */
function wrapped(hook: CommHook, cast: CastName | null, wire = hook.wire): CommHook {
  if (cast === null) return hook
  const codec = CAST_CODECS[cast]
  return {
    ...hook,
    wire,
    reduce: (bucket, context) =>
      hook.reduce(bucket, {
        ...context,
        allReduce: (x, name) => context.group.allReduce(x, { op: 'sum', codec, name, signal: context.signal }),
      }),
  }
}

function wireOf(cast: CastName | null): 'f32' | 'f16' | 'bf16' {
  return cast === null ? 'f32' : cast === 'fp16' ? 'f16' : 'bf16'
}

function parseWrapper(wrapper: string | undefined): CastName | null {
  if (wrapper === undefined) return null
  const plain = String(wrapper).trim().toLowerCase()
  if (plain === 'fp16' || plain === 'f16') return 'fp16'
  if (plain === 'bf16') return 'bf16'
  throw new RondoError(
    'BAD_ARGUMENT',
    `ddpCommWrapper is ${JSON.stringify(wrapper)}; allowed are "fp16" and "bf16". Choose one, or leave it out.`,
  )
}

function refuseWrapper(hook: CommHookName, cast: CastName | null): void {
  if (cast === null) return
  throw new RondoError(
    'BAD_ARGUMENT',
    `ddpCommWrapper "${cast}" around ddpCommHook "${hook}": ${hook} is a wire format already. A wrapper goes around powerSGD, topK, post_localSGD or a function. Remove one of the two.`,
  )
}

function stateObject(state: unknown): Record<string, unknown> {
  if (state === undefined) return {}
  if (typeof state === 'object' && state !== null && !Array.isArray(state)) return state as Record<string, unknown>
  throw new RondoError(
    'BAD_ARGUMENT',
    `ddpCommState is ${Array.isArray(state) ? 'an array' : state === null ? 'null' : `a ${typeof state}`}; allowed is an object of the hook's options. Pass one such as { matrixApproximationRank: 2 }.`,
  )
}

/**
 * The strategy names people may type, and what each becomes here. Choices of flags and the message about
 * an unknown name come from this table. Not for: building the strategies.
 */
import { RondoError } from '@rondo/protocol'

/** Every name of the specification; aliases included. */
export const STRATEGY_NAMES = [
  'auto',
  'ddp',
  'ddp_find_unused_parameters_true',
  'ddp_find_unused_parameters_false',
  'ddp_spawn',
  'ddp_spawn_find_unused_parameters_true',
  'ddp_spawn_find_unused_parameters_false',
  'ddp_notebook',
  'ddp_notebook_find_unused_parameters_true',
  'ddp_notebook_find_unused_parameters_false',
  'ddp_fork',
  'ddp_fork_find_unused_parameters_true',
  'ddp_fork_find_unused_parameters_false',
  'dp',
  'ddp2',
  'horovod',
  'ddp_sharded',
  'ddp_sharded_spawn',
  'ddp_sharded_notebook',
  'deepspeed',
  'deepspeed_stage_1',
  'deepspeed_stage_2',
  'deepspeed_stage_2_offload',
  'deepspeed_stage_3',
  'deepspeed_stage_3_offload',
  'fsdp',
  'fsdp_cpu_offload',
  'pipe',
  'local_sgd',
  'post_local_sgd',
  'diloco',
] as const
export type StrategyName = (typeof STRATEGY_NAMES)[number]

/** DDP's names: how ranks are started, then whether unused parameters are looked for. */
const DDP_NAME = /^ddp(_spawn|_notebook|_fork)?(?:_find_unused_parameters_(true|false))?$/

/** Strategies whose ranks train alone for a while. */
const LOCAL_NAMES: readonly string[] = ['local_sgd', 'post_local_sgd', 'diloco']

/** Names that this version runs. The others are known, and refused with a sentence that says so. */
const AVAILABLE = STRATEGY_NAMES.filter((name) => name === 'auto' || DDP_NAME.test(name) || LOCAL_NAMES.includes(name))

/**
 * Checks a strategy name, case ignored. Throws BAD_ARGUMENT listing the known names, or UNSUPPORTED for a
 * known one that this version does not run.
 */
export function parseStrategyName(value: string): StrategyName {
  if (/^\s*(tpu|xla)/i.test(value)) {
    throw new RondoError(
      'UNSUPPORTED',
      `strategy is "${value}", but browsers have no TPU access. Allowed accelerators are webgpu (graphics hardware) and wasm (processor cores). Choose strategy "ddp" with one of these.`,
    )
  }
  const name = value.trim().toLowerCase()
  const known = STRATEGY_NAMES.find((candidate) => candidate === name)
  if (!known) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `strategy "${value}" is not known. Allowed are ${STRATEGY_NAMES.join(', ')}. Choose one of these.`,
    )
  }
  if (!AVAILABLE.includes(known)) {
    throw new RondoError(
      'UNSUPPORTED',
      `strategy "${known}" is not part of this version. Available are ${AVAILABLE.join(', ')}. Use "ddp" instead.`,
    )
  }
  return known
}

/** Whether ranks of this strategy are started from a function: spawn, notebook and fork. */
export function startsFromFunction(name: StrategyName): boolean {
  return DDP_NAME.exec(name)?.[1] !== undefined
}

/** Whether a name asks for DDP that tolerates parameters without gradient. */
export function findsUnusedParameters(name: StrategyName): boolean {
  return DDP_NAME.exec(name)?.[2] === 'true'
}

/** Whether a name means DDP, however ranks are started: what averages gradients at every step. */
export function averagesGradients(name: StrategyName): boolean {
  return name === 'auto' || DDP_NAME.test(name)
}

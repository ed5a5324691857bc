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
  'ddp_notebook',
  'ddp_fork',
  'dp',
  'ddp2',
  'horovod',
  'ddp_sharded',
  'deepspeed',
  'deepspeed_stage_1',
  'deepspeed_stage_2',
  'deepspeed_stage_3',
  'fsdp',
  'pipe',
  'local_sgd',
  'post_local_sgd',
  'diloco',
] as const
export type StrategyName = (typeof STRATEGY_NAMES)[number]

/** Names that this version runs. The others are known, and refused with a sentence that says so. */
const AVAILABLE: readonly StrategyName[] = [
  'auto',
  'ddp',
  'ddp_find_unused_parameters_true',
  'ddp_find_unused_parameters_false',
]

/**
 * Checks a strategy name, case ignored. Throws BAD_ARGUMENT listing the known names, or UNSUPPORTED for a
 * known one that this version does not run.
 */
export function parseStrategyName(value: string): StrategyName {
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

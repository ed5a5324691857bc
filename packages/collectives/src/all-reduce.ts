/** The algorithm object of an all-reduce that was chosen. Not for: choosing it (all-reduce-choice.ts). */
import { invariant } from '@rondo/protocol'
import type { Algorithm } from './algorithm.ts'
import { Doubling } from './algorithms/doubling.ts'
import { Halving } from './algorithms/halving.ts'
import { Mesh } from './algorithms/mesh.ts'
import type { ReductionPlan } from './algorithms/plan.ts'
import { Ring } from './algorithms/ring.ts'
import { TwoLevel } from './algorithms/two-level.ts'
import type { AllReduceChoice } from './all-reduce-choice.ts'
import { chunkBounds } from './chunks.ts'
import type { Topology } from './topology.ts'

export function allReduceAlgorithm(
  { algorithm, level }: AllReduceChoice & { algorithm: Exclude<AllReduceChoice['algorithm'], 'direct'> },
  plan: ReductionPlan,
  topology: Topology,
): Algorithm {
  const { order, worldSize } = topology
  switch (algorithm) {
    case 'ring':
      return new Ring({ ...plan, order, bounds: chunkBounds(plan.input.length, worldSize), gather: true })
    case 'mesh':
      return new Mesh({ ...plan, bounds: chunkBounds(plan.input.length, worldSize) })
    case 'doubling':
      return new Doubling({ ...plan, order })
    case 'halving':
      return new Halving({ ...plan, order })
    case 'two-level':
      invariant(level, 'two-level needs the level of its groups')
      return new TwoLevel({ ...plan, groups: topology.groups(level) })
    default:
      return algorithm satisfies never
  }
}

/** Which ranks a collective is among: all of the run, or a group of some of them. Not for: how a group works. */
import { type ProcessGroup, subGroup } from '@rondo/collectives'
import { RondoError } from '@rondo/protocol'
import type { RankContext } from '../context.ts'
import { describe } from '../plugins/collect.ts'

/** A group that not every rank is in; on the others it stands for itself and is refused when used. */
export class RankGroup {
  /** Members, as the run numbers them, ascending. */
  readonly ranks: readonly number[]
  private readonly members: ProcessGroup | null

  constructor(ranks: readonly number[], members: ProcessGroup | null) {
    this.ranks = ranks
    this.members = members
  }

  /** The process group of this member. Throws BAD_ARGUMENT on a rank outside. */
  use(call: string, rank: number): ProcessGroup {
    if (this.members !== null) return this.members
    throw new RondoError(
      'BAD_ARGUMENT',
      `${call}({ group }): rank ${rank} is outside the group of ranks ${this.ranks.join(', ')}. Allowed are its members. Call it on those only.`,
      { rank },
    )
  }
}

/**
 * Collective over all ranks, which must name the same members: a group for the option `group` of collectives.
 * @throws BAD_ARGUMENT for ranks that the run does not have, COLLECTIVE_MISMATCH when ranks name different members
 */
export async function makeGroup({ group, signal }: RankContext, ranks: readonly number[]): Promise<RankGroup> {
  if (!Array.isArray(ranks)) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `newGroup(ranks): ranks is ${describe(ranks)}; it must be a list of ranks, 0 to ${group.worldSize - 1}. Pass [0, 1].`,
    )
  }
  const members = subGroup(group, ranks)
  const sorted = [...ranks].sort((a, b) => a - b)
  const all = await group.allGatherObject(sorted.join(', '), { name: 'newGroup', signal })
  const other = all.findIndex((theirs) => theirs !== all[group.rank])
  if (other < 0) return new RankGroup(sorted, members)
  throw new RondoError(
    'COLLECTIVE_MISMATCH',
    `newGroup: rank ${group.rank} names ranks ${all[group.rank]}, rank ${other} names ${all[other]}. All ranks must call newGroup with the same members, members or not. Make the list independent of the rank.`,
    { rank: group.rank },
  )
}

/** The group that an option names; without one, all ranks. */
export function groupOf(call: string, { group }: RankContext, option: unknown): ProcessGroup {
  if (option === undefined || option === null || option === group) return group
  if (option instanceof RankGroup) return option.use(call, group.rank)
  throw new RondoError(
    'BAD_ARGUMENT',
    `${call}({ group }): group is ${describe(option)}, which is no group. Allowed is what newGroup(ranks) returned, or nothing for all ranks. Make one with await collectives.newGroup([0, 1]).`,
  )
}

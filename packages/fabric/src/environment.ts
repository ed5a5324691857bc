/**
 * What torch-style scripts read from the environment: a frozen record with the familiar names, made for each
 * rank from its seat and from what the terminal forwarded. Not for: flags (connector.ts).
 */
import type { RunConfig, Seat } from '@rondo/protocol'

/** Variables by their upper-case names, texts all; see docs/cli.md for which there are. */
export type RankEnvironment = {
  readonly [variable: Uppercase<string>]: string | undefined
  /** The script's own arguments, in order, unchanged. */
  readonly argv: readonly string[]
}

/** Builds the record. Forwarded variables are overridden by the rank's own. */
export function rankEnvironment(config: RunConfig | null, seats: readonly Seat[], rank: number): RankEnvironment {
  const seat = seats.find((candidate) => candidate.rank === rank)
  const nodeRank = seat?.nodeRank ?? 0
  const onNode = seats.filter((candidate) => candidate.nodeRank === nodeRank).length || 1
  const nodes = new Set(seats.map((candidate) => candidate.nodeRank)).size || 1
  const world = seats.length || 1
  const launchedByRun =
    config && config.growable !== true
      ? {
          LT_CLI_USED: '1',
          LT_DEVICES: String(config.devices),
          LT_NUM_NODES: String(config.numNodes),
          ...(config.accelerator === undefined ? {} : { LT_ACCELERATOR: config.accelerator }),
          ...(config.strategy === undefined ? {} : { LT_STRATEGY: config.strategy }),
          ...(config.precision === undefined ? {} : { LT_PRECISION: config.precision }),
        }
      : {}
  return Object.freeze({
    ...(config?.env ?? {}),
    ...launchedByRun,
    WORLD_SIZE: String(world),
    RANK: String(rank),
    LOCAL_RANK: String(seat?.localRank ?? 0),
    NODE_RANK: String(nodeRank),
    GROUP_RANK: String(nodeRank),
    LOCAL_WORLD_SIZE: String(onNode),
    GROUP_WORLD_SIZE: String(nodes),
    ROLE_RANK: String(rank),
    ROLE_WORLD_SIZE: String(world),
    argv: Object.freeze([...(config?.args ?? [])]),
  })
}

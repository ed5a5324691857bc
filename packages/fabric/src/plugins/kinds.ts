/**
 * The five kinds of plugins that a Fabric takes, each a base class that says its kind, and how the kind of an object is
 * known that extends none of them: by its members. Not for: which plugins go together (collect.ts).
 */
import type { LossScaler } from '@rondo/engine'

export { CheckpointIO } from '../checkpoint/checkpoint-io.ts'

export const PLUGIN_KINDS = ['Precision', 'CheckpointIO', 'ClusterEnvironment', 'Transport', 'Reducer'] as const
export type PluginKind = (typeof PLUGIN_KINDS)[number]

/** Members that a plugin of each kind has to have; also what an object without base class is known by. */
export const PLUGIN_MEMBERS: Readonly<Record<PluginKind, readonly string[]>> = {
  Precision: ['precision'],
  CheckpointIO: ['saveCheckpoint', 'loadCheckpoint', 'removeCheckpoint'],
  ClusterEnvironment: [
    'createsProcessesExternally',
    'mainAddress',
    'mainPort',
    'worldSize',
    'globalRank',
    'localRank',
    'nodeRank',
    'detect',
    'validateSettings',
    'teardown',
  ],
  Transport: ['connect', 'send', 'close', 'stats'],
  Reducer: ['prepare', 'reduce', 'finish'],
}

/** Says how numbers are kept and computed; in the place of the option `precision`. */
export abstract class PrecisionPlugin {
  readonly pluginKind = 'Precision'
  /** One of PRECISIONS, or a short form. */
  abstract readonly precision: string
  /** Takes the place of the default one, where there is a loss scale: with `16-mixed`. */
  readonly scaler?: LossScaler
}

/** What a cluster says of the rank that runs here (Lightning's `ClusterEnvironment`). */
export abstract class ClusterEnvironment {
  readonly pluginKind = 'ClusterEnvironment'
  /** Whether ranks are started from outside, so that none of them launches others. */
  abstract readonly createsProcessesExternally: boolean
  abstract readonly mainAddress: string
  abstract readonly mainPort: number
  /** Ranks of the world. */
  abstract worldSize(): number
  /** The rank's number in the world. */
  abstract globalRank(): number
  /** Its number on its node. */
  abstract localRank(): number
  /** The node's number. */
  abstract nodeRank(): number
  /** Whether the cluster that this class knows started this rank. */
  abstract detect(): boolean
  /** Throws when `devices` a node on `nodes` nodes do not fit what the cluster gave. */
  abstract validateSettings(devices: number, nodes: number): void
  /** Called when the script has ended. */
  abstract teardown(): void
}

/** An object's kind; null for one that is of none. */
export function pluginKindOf(plugin: unknown): PluginKind | null {
  if (typeof plugin !== 'object' || plugin === null) return null
  const { pluginKind } = plugin as { pluginKind?: unknown }
  const branded = PLUGIN_KINDS.find((kind) => kind === pluginKind)
  if (branded || pluginKind !== undefined) return branded ?? null
  // Half of a kind's members, and two at least, are no accident: what is missing is then refused by name.
  const ranked = PLUGIN_KINDS.map((kind) => {
    const members = PLUGIN_MEMBERS[kind]
    const there = members.filter((member) => member in plugin).length
    return { kind, there, share: there / members.length }
  }).filter(({ there, share }) => there >= 2 && share >= 0.5)
  ranked.sort((a, b) => b.share - a.share)
  return ranked[0]?.kind ?? null
}

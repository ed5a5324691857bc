/**
 * The option `plugins`, checked: known kinds, one of each, all members there, and nothing that is said twice. Not for:
 * what a plugin does.
 */
import { RondoError } from '@rondo/protocol'
import type { Strategy } from '@rondo/strategies'
import {
  type CheckpointIO,
  type ClusterEnvironment,
  PLUGIN_KINDS,
  PLUGIN_MEMBERS,
  type PluginKind,
  type PrecisionPlugin,
  pluginKindOf,
} from './kinds.ts'

/** Anything of a known kind: a subclass of a base class, or an object with that kind's members. */
export type Plugin = object

/** A run's plugins by kind. */
export interface Plugins {
  Precision?: PrecisionPlugin
  CheckpointIO?: CheckpointIO
  ClusterEnvironment?: ClusterEnvironment
  Transport?: object
  Reducer?: object
}

/** Kinds that are known and not run by this version. */
const NOT_RUN: Partial<Record<PluginKind, string>> = {
  Transport: 'choose a carrier with --process-group-backend auto, webrtc, port or relay',
  Reducer: 'give DDPStrategy a function as ddpCommHook',
}

/**
 * Plugins by kind.
 * @throws BAD_ARGUMENT for an unknown kind or a missing member; CONFLICT for two of one kind or something that the
 * options say too; UNSUPPORTED for a kind that does not run here
 */
export function collectPlugins(plugins: unknown): Plugins {
  const list = plugins === undefined || plugins === null ? [] : Array.isArray(plugins) ? plugins : [plugins]
  const found: Plugins = {}
  for (const [i, plugin] of list.entries()) {
    const where = Array.isArray(plugins) ? `plugins[${i}]` : 'plugins'
    const kind = pluginKindOf(plugin)
    if (kind === null) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `${where} is ${describe(plugin)}, which is no plugin. Allowed is at most one each of ${PLUGIN_KINDS.join(', ')}. Extend the base class of one of these kinds, or remove it.`,
      )
    }
    checkMembers(where, plugin as object, kind)
    if (found[kind]) {
      throw new RondoError(
        'CONFLICT',
        `plugins has two of kind ${kind}: ${describe(found[kind])} and ${describe(plugin)}. Allowed is at most one of each kind. Remove one of the two.`,
      )
    }
    found[kind] = plugin as never
  }
  return found
}

/** Throws UNSUPPORTED for the first kind that nothing here uses. */
export function checkRuns(plugins: Plugins): void {
  for (const kind of PLUGIN_KINDS) {
    const instead = NOT_RUN[kind]
    if (plugins[kind] === undefined || instead === undefined) continue
    throw new RondoError(
      'UNSUPPORTED',
      `plugins: ${describe(plugins[kind])} is a ${kind}, and this version does not run plugins of that kind. Remove it, and ${instead}.`,
    )
  }
}

/** What a Strategy object may say itself, against the options: CONFLICT when both do. */
export function checkSaidTwice(
  strategy: Strategy,
  said: { accelerator: unknown; precision: unknown; plugins: Plugins },
): void {
  const own = strategy as Partial<Record<'accelerator' | 'precision' | 'checkpointIO' | 'environment', unknown>>
  const pairs = [
    ['accelerator', own.accelerator, said.accelerator, 'the option accelerator'],
    [
      'precision',
      own.precision,
      said.precision ?? said.plugins.Precision,
      'the option precision or a Precision plugin',
    ],
    ['checkpointIO', own.checkpointIO, said.plugins.CheckpointIO, 'a CheckpointIO plugin'],
    ['environment', own.environment, said.plugins.ClusterEnvironment, 'a ClusterEnvironment plugin'],
  ] as const
  for (const [what, inStrategy, asOption, option] of pairs) {
    if (isUnset(inStrategy) || isUnset(asOption)) continue
    throw new RondoError(
      'CONFLICT',
      `${what} is set in the ${strategy.name} strategy object (${describe(inStrategy)}) and by ${option} (${describe(asOption)}). Allowed is one of the two. Choose one and remove the other.`,
    )
  }
}

function isUnset(value: unknown): boolean {
  return value === undefined || value === null || value === 'auto'
}

function checkMembers(where: string, plugin: object, kind: PluginKind): void {
  const missing = PLUGIN_MEMBERS[kind].filter((member) => !(member in plugin))
  if (missing.length === 0) return
  throw new RondoError(
    'BAD_ARGUMENT',
    `${where}: ${describe(plugin)} is a ${kind} without ${missing.join(', ')}. A ${kind} has ${PLUGIN_MEMBERS[kind].join(', ')}. Add what is missing.`,
  )
}

/** A value as people know it: a class by its name, plain values as they are. */
export function describe(value: unknown): string {
  if (value === null || typeof value !== 'object') {
    return typeof value === 'function'
      ? `the function ${value.name || 'without name'}`
      : (JSON.stringify(value) ?? String(value))
  }
  const name = value.constructor?.name
  return name && name !== 'Object' ? name : Array.isArray(value) ? 'a list' : 'a plain object'
}

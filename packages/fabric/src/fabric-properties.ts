/**
 * What a Fabric can be asked: which rank it is, on what it computes, where it logs to. The base of Fabric, which adds
 * the verbs.
 */
import type { Logger } from '@rondo/loggers'
import type { Strategy } from '@rondo/strategies'
import type { FabricCore } from './core.ts'
import type { FabricCallback } from './logging/callbacks.ts'

export abstract class FabricProperties {
  protected readonly core: FabricCore

  protected constructor(core: FabricCore) {
    this.core = core
  }

  /** This rank's number in the world, 0 to `worldSize` − 1. */
  get globalRank(): number {
    return this.core.rank
  }
  /** Its number on its node. */
  get localRank(): number {
    return this.core.context.localRank
  }
  /** The node's number, given by the server. */
  get nodeRank(): number {
    return this.core.context.nodeRank
  }
  /** How many ranks train together. */
  get worldSize(): number {
    return this.core.worldSize
  }
  /** Whether this is the rank that writes files and prints for all. */
  get isGlobalZero(): boolean {
    return this.core.rank === 0
  }
  /** The rule by which the ranks share the job. */
  get strategy(): Strategy {
    return this.core.options.strategy
  }
  /** Name of the accelerator in use, e.g. `wasm`; null before launch(). */
  get accelerator(): string | null {
    return this.core.context.accelerator?.name ?? null
  }
  /** The adapter's description, or the accelerator's name where there is no adapter. */
  get device(): string | null {
    const chosen = this.core.context.accelerator
    return chosen?.adapter?.description || chosen?.name || null
  }
  /** Name of the session that this run belongs to; null where there is none. */
  get session(): string | null {
    return this.core.context.session
  }
  /** The first logger; null without one. */
  get logger(): Logger | null {
    return this.core.options.loggers[0] ?? null
  }
  /** All loggers; `log` goes to each. */
  get loggers(): readonly Logger[] {
    return this.core.options.loggers
  }
  /** The callbacks that `call` runs, in order. */
  get callbacks(): readonly FabricCallback[] {
    return this.core.options.callbacks
  }
}

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

  get globalRank(): number {
    return this.core.rank
  }
  get localRank(): number {
    return this.core.context.localRank
  }
  get nodeRank(): number {
    return this.core.context.nodeRank
  }
  get worldSize(): number {
    return this.core.worldSize
  }
  get isGlobalZero(): boolean {
    return this.core.rank === 0
  }
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
  get loggers(): readonly Logger[] {
    return this.core.options.loggers
  }
  get callbacks(): readonly FabricCallback[] {
    return this.core.options.callbacks
  }
}

/**
 * Whose turn it is in DiLoCo: every syncEvery / fragments steps the next fragment leaves, and arrives
 * fragmentSyncDelay steps later (Streaming DiLoCo, Douillard et al. 2025). Not for: what a fragment sends.
 */
import type { Parameter } from '@rondo/engine'
import type { StepClock } from '../ddp/step-clock.ts'
import type { Meeting } from '../local-sgd/local-replica.ts'
import { timed } from '../local-sgd/timed.ts'
import type { ReplicaState, StrategyContext } from '../strategy.ts'
import { Fragment } from './fragment.ts'
import type { DiLoCoSettings } from './options.ts'

const SUFFIX = '.momentum'

export class DiLoCoMeeting implements Meeting {
  readonly wire: string
  private readonly fragments: readonly Fragment[]
  private readonly settings: DiLoCoSettings
  private steps = 0
  private travelling: Fragment | null = null

  private constructor(fragments: readonly Fragment[], settings: DiLoCoSettings) {
    this.fragments = fragments
    this.settings = settings
    const { fragments: count, quantize, syncEvery } = settings
    const what = count === 1 ? 'weight changes' : `weight changes in ${count} fragments`
    this.wire = `${what} as ${quantize === 'none' ? 'f32' : quantize === 'fp16' ? 'f16' : quantize}, every ${syncEvery} steps`
  }

  /** @param parameters all of the model's, equal on all ranks */
  static async of(
    parameters: readonly Parameter[],
    context: StrategyContext,
    settings: DiLoCoSettings,
  ): Promise<DiLoCoMeeting> {
    const parts = cutEvenly(parameters, settings.fragments)
    const meeting = new DiLoCoMeeting(
      parts.map((part) => new Fragment(part, context, settings)),
      settings,
    )
    for (const fragment of meeting.fragments) await fragment.adopt()
    return meeting
  }

  async afterStep(samples: number, clock: StepClock): Promise<void> {
    for (const fragment of this.fragments) fragment.count(samples)
    this.steps += 1
    const { syncEvery, fragments, fragmentSyncDelay: delay, fragmentUpdateAlpha } = this.settings
    const interval = syncEvery / fragments
    if (this.steps % interval === 0) {
      const turn = (this.steps / interval - 1) % fragments
      const fragment = this.fragments[turn] as Fragment
      this.travelling = fragment
      await timed(clock, 'samples', () => fragment.begin(() => clock.enter('communication', 'weight changes')))
    }
    if (this.steps % interval === delay && this.travelling !== null) {
      const fragment = this.travelling
      this.travelling = null
      await fragment.finish(fragmentUpdateAlpha)
    }
  }

  async syncWeights(): Promise<void> {
    // A meeting like any other: the next is a whole round away, and what goes on from a file is at the same point.
    this.steps = 0
    await this.arrive()
    for (const fragment of this.fragments) {
      if (fragment.due) {
        await fragment.begin()
        await fragment.finish(0)
      } else if (this.settings.fragmentUpdateAlpha > 0) {
        fragment.takeGlobal()
      }
    }
  }

  state(): ReplicaState {
    return { strategy: 'diloco', tensors: this.fragments.flatMap((fragment) => fragment.state()) }
  }

  async restore(saved: ReplicaState | null): Promise<void> {
    const own = saved?.strategy === 'diloco' ? saved.tensors : []
    const momentum = new Map(
      own
        .filter(({ name }) => name.endsWith(SUFFIX))
        .map(({ name, data }) => [name.slice(0, -SUFFIX.length), data as Float32Array]),
    )
    await this.forget()
    for (const fragment of this.fragments) await fragment.adopt(momentum)
    this.steps = 0
  }

  /** What travels is taken, and leaves nothing local: the weights become the global ones. */
  private async arrive(): Promise<void> {
    await this.travelling?.finish(0)
    this.travelling = null
  }

  /** The collective under way still has to end; weights from outside replace its result. */
  private async forget(): Promise<void> {
    await this.travelling?.drop()
    this.travelling = null
  }
}

/** Consecutive parameters in `count` parts of about equal size; some may be empty. */
export function cutEvenly(parameters: readonly Parameter[], count: number): Parameter[][] {
  const total = parameters.reduce((sum, { variable }) => sum + variable.size, 0)
  const parts: Parameter[][] = Array.from({ length: count }, () => [])
  let before = 0
  for (const parameter of parameters) {
    const middle = before + parameter.variable.size / 2
    before += parameter.variable.size
    parts[Math.min(count - 1, Math.floor((middle / total) * count))]?.push(parameter)
  }
  return parts
}

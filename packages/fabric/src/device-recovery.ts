/**
 * How a rank goes on after its WebGPU device was lost: a new device, and all models and optimizers from a rank that
 * kept its own, so that all are equal bit for bit again. Not for: noticing the loss in a step (strategies) or opening
 * devices (engine).
 */
import {
  deviceLoss,
  failedByLoss,
  type Model,
  type Optimizer,
  type OptimizerState,
  type Parameter,
  parametersOf,
  readTensors,
  replaceLostDevice,
  type TensorData,
  writeTensors,
} from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { DeviceRecovery } from '@rondo/strategies'
import type { RankContext } from './context.ts'

/** A device that is lost more often than this in one run will be lost again: its driver or its memory is at fault. */
const MAX_LOSSES = 3

/** What a context has to bring back. */
interface Recoverable {
  models: ReadonlyArray<{ module: Model; replica: { readonly watchesDevices?: boolean } }>
  optimizers: readonly Optimizer[]
}

export class ContextRecovery implements DeviceRecovery {
  private readonly context: RankContext
  private readonly owned: Recoverable
  private losses = 0

  constructor(context: RankContext, owned: Recoverable) {
    this.context = context
    this.owned = owned
  }

  get isLost(): boolean {
    return deviceLoss() !== null
  }

  failedByLoss(): Promise<boolean> {
    return failedByLoss()
  }

  /** Collective. */
  async watch(): Promise<boolean> {
    const { group, signal, accelerator } = this.context
    const mine = Uint8Array.of(accelerator?.name === 'webgpu' ? 1 : 0)
    const any = await group.allReduce(mine, { op: 'max', name: 'devices that can be lost', signal })
    return any[0] === 1
  }

  /**
   * Tells of a loss that the next step will make good. False when it ends the run: out of memory, no other rank, or a
   * model whose strategy does not meet in every step.
   */
  takes(error: RondoError): boolean {
    const { models } = this.owned
    const { group } = this.context
    const watched = models.length > 0 && models.every(({ replica }) => replica.watchesDevices === true)
    if (!this.isLost || group.worldSize === 1 || !watched) return false
    const why = String(error.details?.['message'] || error.details?.['reason'])
    console.warn(
      `The WebGPU device of rank ${group.rank} was lost (${why.replace(/\.$/, '')}). ` +
        'At the next step it gets a new one, and the weights from another rank. Tensors outside of model and optimizer are gone.',
    )
    return true
  }

  async recover(lostRanks: readonly number[]): Promise<void> {
    const { group, signal } = this.context
    const source = Array.from({ length: group.worldSize }, (_, rank) => rank).find((rank) => !lostRanks.includes(rank))
    if (source === undefined) throw allLost(group.worldSize)
    const lost = lostRanks.includes(group.rank)
    const problem = lost ? await this.reopen() : null
    const failed = await group.allGather(Uint8Array.of(problem === null ? 0 : 1), { name: 'new devices', signal })
    const culprit = failed.indexOf(1)
    if (culprit >= 0) {
      const message = await group.broadcastObject(problem ?? '', { src: culprit, signal })
      throw new RondoError('ACCELERATOR_UNAVAILABLE', message, { rank: culprit })
    }
    for (const { module } of this.owned.models) await this.passModel(parametersOf(module), source, lost)
    for (const optimizer of this.owned.optimizers) {
      const mine = group.rank === source ? await optimizer.state() : null
      const state = await group.broadcastObject<OptimizerState | null>(mine, { src: source, signal })
      if (lost && state !== null) optimizer.restore(state)
    }
    if (!lost) return
    console.warn(
      `Rank ${group.rank} goes on with a new device: models and optimizers came from rank ${source}. ` +
        'The step in which the device was lost was left out on all ranks.',
    )
  }

  /** @returns what stands in the way, null when there is a device again */
  private async reopen(): Promise<string | null> {
    this.losses += 1
    const { rank } = this.context.group
    if (this.losses > MAX_LOSSES) {
      return (
        `The WebGPU device of rank ${rank} was lost ${this.losses} times; after ${MAX_LOSSES} a run gives up. ` +
        'Load the last checkpoint, with a smaller batch or model, another browser or driver, or accelerator "wasm".'
      )
    }
    return replaceLostDevice().then(
      () => null,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    )
  }

  private async passModel(parameters: readonly Parameter[], source: number, lost: boolean): Promise<void> {
    const { group, signal } = this.context
    const variables = parameters.map(({ variable }) => variable)
    const own = group.rank === source ? await readTensors(variables) : variables.map(emptyValues)
    const values: TensorData[] = []
    for (const [i, value] of own.entries()) {
      values.push(await group.broadcast(value, { src: source, name: `weights ${parameters[i]?.name}`, signal }))
    }
    if (lost) writeTensors(variables, values)
  }
}

function emptyValues({ dtype, size }: Parameter['variable']): TensorData {
  if (dtype === 'float32') return new Float32Array(size)
  return dtype === 'bool' ? new Uint8Array(size) : new Int32Array(size)
}

function allLost(worldSize: number): RondoError {
  return new RondoError(
    'ACCELERATOR_UNAVAILABLE',
    `All ${worldSize} ranks lost their WebGPU devices in one step, so no rank has the weights any more. ` +
      'A run can go on while one rank keeps its device. Load the last checkpoint; tabs of one browser share one GPU process.',
  )
}

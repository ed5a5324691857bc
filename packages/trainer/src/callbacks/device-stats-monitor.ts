/**
 * Logs what the device holds before and after each batch: tensors, bytes, and on the GPU bytes and programs. Semantics
 * are Lightning's `DeviceStatsMonitor`, with the figures that TensorFlow.js has.
 */
import { tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { RondoModule } from '../module/module.ts'
import type { Trainer } from '../trainer.ts'
import { Callback } from './callback.ts'
import { checkKnown } from './known-options.ts'

/** What tf.memory() may hold beside tensors and bytes, by backend. */
const BACKEND_FIGURES = ['numBytesInGPU', 'numBytesAllocatedInGPU'] as const

export class DeviceStatsMonitor extends Callback {
  /** There is nothing to choose: browsers tell nothing of the processor (Lightning's `cpu_stats`). */
  readonly options: object = {}

  /** @throws BAD_ARGUMENT for any option */
  constructor(options: object = {}) {
    super()
    checkKnown('DeviceStatsMonitor', options, [])
  }

  override onTrainStart(trainer: Trainer): void {
    if (trainer.resolved.logger !== false || trainer.fastDevRun) return
    throw new RondoError(
      'BAD_ARGUMENT',
      'DeviceStatsMonitor with Trainer({ logger: false }): it writes to loggers, and there is none. Remove the callback, or the option.',
    )
  }

  override onTrainBatchStart(_: Trainer, module: RondoModule): void {
    this.write(module, 'on_train_batch_start')
  }

  override onTrainBatchEnd(_: Trainer, module: RondoModule): void {
    this.write(module, 'on_train_batch_end')
  }

  override stateDict(): Record<string, unknown> {
    return {}
  }

  private write(module: RondoModule, place: string): void {
    const memory = tf.memory() as tf.MemoryInfo & Partial<Record<(typeof BACKEND_FIGURES)[number], number>>
    const log = (name: string, value: number): void => {
      module.log(`DeviceStatsMonitor.${place}/${name}`, value, { onStep: true, onEpoch: false })
    }
    log('numTensors', memory.numTensors)
    log('numBytes', memory.numBytes)
    for (const name of BACKEND_FIGURES) if (memory[name] !== undefined) log(name, memory[name])
  }
}

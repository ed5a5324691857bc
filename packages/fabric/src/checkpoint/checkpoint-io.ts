/**
 * How checkpoints reach a place and come back: the one thing that `Fabric({ plugins })` may replace here. The default
 * writes one safetensors file. Not for: what is in a checkpoint (content.ts) or which places there are (place.ts).
 */
import { decodeSafetensors, encodeSafetensors, type SafetensorsContent } from '@rondo/engine'
import type { CheckpointFiles } from './place.ts'

/** A checkpoint in memory: named tensors, and texts beside them (JSON of everything that is no tensor). */
export type CheckpointContent = SafetensorsContent

/**
 * Semantics of Lightning's `CheckpointIO`. Called on rank 0 only; the other ranks get what it read from rank 0.
 * Implement it to keep checkpoints elsewhere or in another format, and pass it as `Fabric({ plugins: [mine] })`.
 */
export abstract class CheckpointIO {
  readonly pluginKind = 'CheckpointIO'
  /** Stores a checkpoint under `path`, whole or not at all. The tensors' arrays are the plugin's to keep. */
  abstract saveCheckpoint(checkpoint: CheckpointContent, path: string): Promise<void>
  /** Reads one. Errors: BAD_FILE when there is none or it is damaged. */
  abstract loadCheckpoint(path: string): Promise<CheckpointContent>
  /** Removes one that is no longer wanted; removing none is harmless. */
  abstract removeCheckpoint(path: string): Promise<void>
}

/** One safetensors file a checkpoint, at any place that paths may name. */
export class SafetensorsIO extends CheckpointIO {
  readonly #files: CheckpointFiles

  constructor(files: CheckpointFiles) {
    super()
    this.#files = files
  }

  async saveCheckpoint({ tensors, metadata }: CheckpointContent, path: string): Promise<void> {
    await this.#files.write(path, encodeSafetensors(tensors, metadata))
  }

  async loadCheckpoint(path: string): Promise<CheckpointContent> {
    return decodeSafetensors(await this.#files.read(path), path)
  }

  async removeCheckpoint(path: string): Promise<void> {
    await this.#files.remove(path)
  }
}

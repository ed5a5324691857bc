/**
 * Data with its preparation, apart from the model: give it to the trainer in place of loaders. Semantics are
 * Lightning's `LightningDataModule`. Every method is optional.
 */
import type { Awaitable, Stage } from '../hooks.ts'
import type { LoaderSource } from '../loaders/source.ts'

/** Data with its preparation: extend it and pass it in place of loaders. Lightning's LightningDataModule. */
export class DataModule {
  /** false: `prepareData` runs on global rank 0 alone, and not once on each node. */
  prepareDataPerNode = true

  /** Once on each node, before `setup`; the other ranks wait. Don't set fields here: other ranks would not have them. */
  prepareData?(): Awaitable<void>
  /** On every rank. */
  setup?(stage: Stage): Awaitable<void>
  /** The verb is over, also after an error. */
  teardown?(stage: Stage): Awaitable<void>
  /** Plain data that goes into checkpoints. */
  stateDict?(): Record<string, unknown>
  /** Takes over what `stateDict` gave, before the loaders are asked for. */
  loadStateDict?(state: Record<string, unknown>): void
  /** Loaders of training data. */
  trainDataloader?(): Awaitable<LoaderSource>
  /** Loaders of validation data. */
  valDataloader?(): Awaitable<LoaderSource>
  /** Loaders of test data. */
  testDataloader?(): Awaitable<LoaderSource>
  /** Loaders of what `predict` is for. */
  predictDataloader?(): Awaitable<LoaderSource>
}

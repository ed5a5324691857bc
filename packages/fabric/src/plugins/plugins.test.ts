/** The options plugins, callbacks and loggers: kinds, one of each, nothing said twice. */
import { expect, it } from 'vitest'
import type { CheckpointContent } from '../checkpoint/index.ts'
import { Fabric } from '../fabric.ts'
import { CheckpointIO, PrecisionPlugin } from './kinds.ts'

class Half extends PrecisionPlugin {
  readonly precision = '16-mixed'
}
class Tape extends CheckpointIO {
  override async saveCheckpoint(): Promise<void> {}
  override async loadCheckpoint(): Promise<CheckpointContent> {
    return { tensors: [], metadata: {} }
  }
  override async removeCheckpoint(): Promise<void> {}
}
/** Extends nothing: known by its members. */
class OwnReducer {
  prepare(): void {}
  finish(): void {}
}

it.each([
  [
    'an unknown kind',
    [new Date()],
    /plugins\[0\] is Date.*Precision, CheckpointIO, ClusterEnvironment, Transport, Reducer/,
  ],
  ['a name', 'fp16', /"fp16".*no plugin/],
  ['a kind that only says so', { pluginKind: 'Magic' }, /no plugin/],
  ['two of one kind', [new Tape(), new Tape()], /two of kind CheckpointIO: Tape and Tape/],
  ['a missing member', new OwnReducer(), /OwnReducer is a Reducer without reduce/],
])('refuses plugins: %s', (_, plugins, message) => {
  expect(() => new Fabric({ plugins: plugins as never })).toThrow(message)
})

it('refuses precision beside a Precision plugin', () => {
  expect(() => new Fabric({ precision: '32-true', plugins: new Half() })).toThrow(/"32-true".*Half.*Choose one/)
})

it.each([
  ['callbacks', { callbacks: ['log'] as never }, /callbacks: item 0 is "log"/],
  ['loggers', { loggers: { logMetrics() {} } as never }, /loggers: item 0 is a plain object, without save, finalize/],
])('refuses %s that are none', (_, options, message) => {
  expect(() => new Fabric(options)).toThrow(message)
})

it('takes one callback or a list', () => {
  const callback = { onStart() {} }
  expect(new Fabric({ callbacks: callback }).callbacks).toEqual([callback])
  expect(new Fabric({ callbacks: [callback, callback] }).callbacks).toHaveLength(2)
  const fabric = new Fabric()
  expect([fabric.callbacks, fabric.loggers, fabric.logger]).toEqual([[], [], null])
})

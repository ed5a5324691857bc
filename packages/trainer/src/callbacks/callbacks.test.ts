/** Hooks of one's own: which there are, what they see, what is warned about, what is kept. */
import { tf } from '@rondo/engine'
import { describe, expect, it, vi } from 'vitest'
import { Line, lineLoader, onRanks } from '../testing/line.ts'
import { Trainer } from '../trainer.ts'
import { Callback } from './callback.ts'
import { LambdaCallback } from './lambda-callback.ts'

describe('callbacks in general', () => {
  it('may be plain objects; what is no function is warned about once, classes are refused', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const seen: number[] = []
    const plain = {
      onTrainEpochEnd: (trainer: Trainer) => void seen.push(trainer.currentEpoch),
      onTrainStart: 3 as never,
    }
    await onRanks(1, (trainer) => trainer.fit(new Line(), lineLoader(4)), { maxEpochs: 2, callbacks: plain })
    expect(seen).toEqual([0, 1])
    expect(warn.mock.calls.filter(([line]) => String(line).includes('onTrainStart'))).toHaveLength(1)
    warn.mockRestore()
    expect(() => new Trainer({ callbacks: Callback as never })).toThrow(/class or function/)
  })

  it('are warned about, once, where a method looks like a hook and is none', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    class Misspelt extends Callback {
      onTrainEpochEnds(): void {}
      on_validation_end(): void {}
      onlyMine(): void {}
    }
    class Net extends Line {
      onTrainingStart(): void {}
    }
    const callbacks = new Misspelt()
    await onRanks(2, (trainer) => trainer.fit(new Net(), lineLoader(8)), { maxEpochs: 2, callbacks })
    const said = warn.mock.calls.map(([line]) => String(line))
    const lines = said.filter((line) => line.includes('looks like a hook')).sort()
    expect(lines).toEqual([
      expect.stringMatching(/^Misspelt\.onTrainEpochEnds looks like a hook.*Did you mean onTrainEpochEnd\?$/),
      expect.stringMatching(/^Misspelt\.on_validation_end.*Did you mean onValidationEnd\?$/),
      expect.stringMatching(/^Net\.onTrainingStart.*Did you mean onTrain(Start|End)\?$/),
    ])
    warn.mockRestore()
  })

  it('may be functions alone: LambdaCallback', async () => {
    const seen: string[] = []
    const callbacks = new LambdaCallback({
      onTrainStart: async (trainer) => void seen.push(`start ${trainer.worldSize}`),
      onTrainEpochEnd: (_, module) => void seen.push(module.constructor.name),
    })
    await onRanks(1, (trainer) => trainer.fit(new Line(), lineLoader(4)), { callbacks })
    expect(seen).toEqual(['start 1', 'Line'])
    expect(() => new LambdaCallback({ onEpochEnd: () => {} } as never)).toThrow(
      /onEpochEnd.*no such hook.*onTrainEpochEnd/,
    )
    expect(() => new LambdaCallback({ onTrainEnd: 3 as never })).toThrow(/a function/)
  })

  it('see the loss before the gradients, and the optimizer before its step', async () => {
    const seen: unknown[] = []
    const callbacks = new LambdaCallback({
      onBeforeZeroGrad: (_trainer, _module, optimizer) => void seen.push(`zero ${optimizer.kind}`),
      onBeforeBackward: (_trainer, _module, loss) => void seen.push(loss.rank),
      onAfterBackward: () => void seen.push('after'),
      onBeforeOptimizerStep: (_trainer, _module, optimizer) => void seen.push(optimizer.learningRate),
    })
    await onRanks(1, (trainer) => trainer.fit(new Line(), lineLoader(4)), { callbacks })
    expect(seen).toEqual(['zero sgd', 0, 'after', 0.01])
    const late = { onBeforeBackward: async () => {} }
    const fit = onRanks(1, (trainer) => trainer.fit(new Line(), lineLoader(4)), { callbacks: late as never })
    await expect(fit).rejects.toThrow(/onBeforeBackward returned a promise.*synchronous/)
  })

  it('may put data of their own into checkpoints, and get it back', async () => {
    const lost: unknown[] = []
    class Own extends Callback {
      seen = Float32Array.of(0.1, Number.NaN)
      override onSaveCheckpoint(
        _trainer: Trainer,
        _module: unknown,
        checkpoint: { extra: Record<string, unknown> },
      ): void {
        checkpoint.extra['mine'] = { list: [1, 2], raw: Int32Array.of(7) }
      }
      override onLoadCheckpoint(
        _trainer: Trainer,
        _module: unknown,
        { extra }: { extra: Record<string, unknown> },
      ): void {
        lost.push(extra['mine'], this.seen)
      }
    }
    class Net extends Line {
      override onSaveCheckpoint(checkpoint: { extra: Record<string, unknown> }): void {
        checkpoint.extra['net'] = 1
      }
      override onLoadCheckpoint({ extra }: { extra: Record<string, unknown> }): void {
        lost.push(extra['net'])
      }
    }
    await onRanks(
      1,
      async (trainer, { context }) => {
        await trainer.fit(new Net(), lineLoader(4))
        await trainer.saveCheckpoint('own.ckpt')
        const again = new Trainer({ maxEpochs: 2, enableModelSummary: false, callbacks: new Own() })
        again.context = context
        await again.fit(new Net(), lineLoader(4), { ckptPath: 'own.ckpt' })
      },
      { callbacks: new Own() },
    )
    expect(lost).toEqual([1, { list: [1, 2], raw: Int32Array.of(7) }, Float32Array.of(0.1, Number.NaN)])
  })

  it('have the plain fields of the object as their state', () => {
    class Own extends Callback {
      count = 2
      rows = [{ a: 1 }]
      raw = Float32Array.of(1, 2)
      model = tf.sequential()
      hook = () => 1
    }
    const state = new Own().stateDict()
    expect(state).toEqual({ count: 2, rows: [{ a: 1 }], raw: Float32Array.of(1, 2) })
    const other = new Own()
    other.loadStateDict({ ...state, count: 5 })
    expect(other.count).toBe(5)
  })
})

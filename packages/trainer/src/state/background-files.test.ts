/** Checkpoints that are written beside training: order, what waits, and what a failure leaves. */
import { expect, it } from 'vitest'
import { folder } from '../../../fabric/src/testing/checkpoints.ts'
import { memoryFiles, runRanks } from '../../../fabric/src/testing/ranks.ts'
import { ModelCheckpoint } from '../callbacks/model-checkpoint.ts'
import { Line, lineLoader, trainerOn } from '../testing/line.ts'
import { BackgroundFiles } from './background-files.ts'

const bytes = [Uint8Array.of(1), Uint8Array.of(2)]

/** Files whose writes end when the test says so. */
function gated() {
  const log: string[] = []
  const gates: Array<(error?: Error) => void> = []
  const plain = memoryFiles()
  const files = new BackgroundFiles(() => ({
    ...plain,
    async write(name, content) {
      log.push(`write ${name}`)
      await new Promise<void>((resolve, reject) => gates.push((error) => (error ? reject(error) : resolve())))
      await plain.write(name, content)
      log.push(`whole ${name}`)
    },
    async remove(name) {
      log.push(`remove ${name}`)
    },
  }))
  return { log, gates, files }
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

it('begins at once, one write at a time, and removes only when the new file is whole', async () => {
  const { log, gates, files } = gated()
  await files.begin('a', bytes)
  files.after('old', async (raw) => raw.remove?.('old'))
  const second = files.begin('b', bytes).then(() => log.push('trains on'))
  const read = files.files.read('a')
  await turn()
  expect(log).toEqual(['write a'])
  gates[0]?.()
  await second
  await read
  expect(log.slice(0, 3)).toEqual(['write a', 'whole a', 'remove old'])
  expect(log.at(-1)).toBe('trains on')
  await turn()
  gates[1]?.()
  await files.settle()
  expect(log.slice(-1)).toEqual(['whole b'])
})

it('keeps what was there when a write fails, and tells of it once, by name', async () => {
  const { log, gates, files } = gated()
  await files.begin('new.ckpt', bytes)
  files.after('old.ckpt', async (raw) => raw.remove?.('old.ckpt'))
  await turn()
  gates[0]?.(new Error('disk full'))
  await expect(files.begin('next.ckpt', bytes)).rejects.toThrow(/^new\.ckpt: .*disk full.*before it are kept/)
  await files.settle()
  expect(log).toEqual(['write new.ckpt'])
})

it.each([1, 2])(
  'training goes on while a checkpoint is written, and fit ends when it is whole, on %d ranks',
  async (worldSize) => {
    const { files, io } = folder()
    const seen: string[] = []
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow = {
      ...io,
      async write(name: string, content: Uint8Array<ArrayBuffer>) {
        seen.push('begun')
        await held
        await io.write(name, content)
      },
    }
    class Watched extends Line {
      override onTrainBatchEnd(): void {
        if (this.globalRank !== 0) return
        seen.push(`step ${this.trainer?.globalStep}, ${files.size} files`)
        if (this.trainer?.globalStep === 3) release()
      }
    }
    await runRanks(
      worldSize,
      async (rank) => {
        const callbacks = [new ModelCheckpoint({ everyNTrainSteps: 2, filename: 'x' })]
        const options = { callbacks, enableCheckpointing: true, maxSteps: 3, maxEpochs: -1, logger: false }
        await trainerOn(rank, options).fit(new Watched(), lineLoader(32))
        if (rank.context.group.rank === 0) expect([...files.keys()]).toEqual(['checkpoints/x.ckpt'])
      },
      { files: () => slow },
    )
    expect(seen).toEqual(['step 1, 0 files', 'step 2, 0 files', 'begun', 'step 3, 0 files'])
  },
)

it('a checkpoint that could not be stored ends fit on every rank, by its name', async () => {
  const full = { ...memoryFiles(), write: async () => Promise.reject(new Error('disk full')) }
  const outcomes = await runRanks(
    2,
    async (rank) => {
      const callbacks = [new ModelCheckpoint({ filename: 'x' })]
      const fit = trainerOn(rank, { callbacks, enableCheckpointing: true, logger: false }).fit(
        new Line(),
        lineLoader(8),
      )
      return fit.then(
        () => null,
        (error: Error) => error.message,
      )
    },
    { files: () => full, stepTimeoutMs: 3000 },
  )
  for (const message of outcomes) expect(message).toMatch(/checkpoints\/x\.ckpt.*disk full/)
})

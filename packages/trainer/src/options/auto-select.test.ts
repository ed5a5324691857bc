/** `autoSelectGpus` in a notebook: the trainer asks for the least busy slots, anew each time. */
import { setLauncher } from '@rondo/fabric'
import { afterEach, expect, it, vi } from 'vitest'
import { RondoModule } from '../module/module.ts'
import { lineLoader } from '../testing/line.ts'
import { Trainer } from '../trainer.ts'

afterEach(() => setLauncher(null))

it('takes the least busy slots, and refuses when too few are free', async () => {
  const say = vi.spyOn(console, 'info').mockImplementation(() => {})
  const asked: unknown[] = []
  const slots = [0, 1, 2].map((index) => ({ index, node: 'desk', busy: false, session: 'lab', load: 0 }))
  setLauncher({
    slots: async () => slots.length,
    list: async () => slots,
    async launch({ devices }) {
      asked.push(devices)
      throw new Error('far enough')
    },
  })
  const trainer = new Trainer({ gpus: 2, autoSelectGpus: true })
  const fit = (): Promise<void> => trainer.fit(new (class extends RondoModule {})(), lineLoader(4))
  await expect(fit()).rejects.toThrow('far enough')
  Object.assign(slots[0] as object, { busy: true })
  await expect(fit()).rejects.toThrow('far enough')
  expect(asked).toEqual([
    [0, 1],
    [1, 2],
  ])
  expect(say.mock.calls.flat().join('\n')).toContain('autoSelectGpus: slots 1, 2')
  Object.assign(slots[1] as object, { busy: true })
  await expect(fit()).rejects.toThrow(
    /gpus: 2, autoSelectGpus: true.*2 wanted, and 1 is free.*slot 0 on desk \(busy in session lab\)/,
  )
  say.mockRestore()
})

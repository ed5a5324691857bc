/** Tabs whose WebGPU device is destroyed while they train: they get another one and the weights of a peer, or end clearly. */
import { expect, test } from '@playwright/test'
import { rondoRun } from './support/rondo.ts'

interface Result {
  losses: Array<number | null>
  weights: number[]
  own: string
}

const run = (lose: string) =>
  rondoRun(['--devices=2', '--accelerator=webgpu', 'e2e/scripts/device-lost.ts', '--lose', lose])

test('ranks lose their devices one after the other, and end with the same weights', async () => {
  const { code, output, report } = await run('1@3,0@7')
  expect(code, output).toBe(0)
  const ranks = report?.ranks ?? []
  expect(ranks.map(({ accelerator }) => accelerator)).toEqual(['webgpu', 'webgpu'])
  expect(new Set(ranks.map(({ weightsHash }) => weightsHash)).size).toBe(1)
  const [first, second] = ranks.map(({ result }) => result as Result) as [Result, Result]
  expect(second.weights).toEqual(first.weights)
  expect(second.weights.every(Number.isFinite)).toBe(true)
  expect(second.losses.map((loss) => loss === null).indexOf(true)).toBe(3)
  expect(first.losses.map((loss) => loss === null).indexOf(true)).toBe(7)
  for (const { own } of [first, second]) expect(own).toMatch(/device that is lost.*model and the optimizers/s)
  for (const rank of [0, 1]) {
    expect(output).toContain(`The WebGPU device of rank ${rank} was lost`)
    expect(output).toContain(`Rank ${rank} goes on with a new device: models and optimizers came from rank ${1 - rank}`)
  }
})

test('when all ranks lose their devices at once the run ends and says so', async () => {
  const { code, output, report } = await run('0@2,1@2')
  expect(code, output).toBe(1)
  expect(report?.error).toMatchObject({ code: 'ACCELERATOR_UNAVAILABLE' })
  expect(report?.error?.message).toMatch(/All 2 ranks lost.*checkpoint/s)
})

test('a device that is lost again and again ends the run', async () => {
  const { code, output, report } = await run('1@1,1@2,1@3,1@4')
  expect(code, output).toBe(1)
  expect(report?.error?.message).toMatch(/rank 1 was lost 4 times/)
})

/** N ranks with batch B/N follow one rank with batch B, and both follow PyTorch's curves, to 1e-5 at every step. */
import { readFileSync } from 'node:fs'
import { tf } from '@rondo/engine'
import { describe, expect, it } from 'vitest'
import { Fabric } from './fabric.ts'
import { followCurve, type ParityCurve } from './testing/parity.ts'
import { runRanks } from './testing/ranks.ts'

const TOLERANCE = 1e-5

function curve(file: string): ParityCurve {
  return JSON.parse(
    readFileSync(new URL(`../../../e2e/fixtures/parity/${file}`, import.meta.url), 'utf8'),
  ) as ParityCurve
}

describe.each(['cpu', 'wasm'] as const)('on %s', (accelerator) => {
  describe.each(['mlp-sgd.json', 'cnn-adam.json'])('%s', (file) => {
    it.each([1, 2, 3])('with %i ranks', async (worldSize) => {
      const reference = curve(file)
      const results = await runRanks(
        worldSize,
        async ({ context }) => {
          const fabric = new Fabric({}, context)
          await fabric.launch()
          const result = await followCurve(tf, fabric, reference)
          return { ...result, hash: await context.models[0]?.weightsHash(), bytes: context.group.bytesSent }
        },
        { accelerator },
      )
      for (const { worstLoss, worstWeight, losses } of results) {
        expect(losses).toHaveLength(reference.steps)
        expect(worstLoss).toBeLessThan(TOLERANCE)
        expect(worstWeight).toBeLessThan(10 * TOLERANCE)
      }
      expect(new Set(results.map(({ hash }) => hash)).size).toBe(1)
      if (worldSize === 1) expect(results[0]?.bytes).toBe(0)
    })
  })
})

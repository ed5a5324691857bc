/** The reference curves, followed by real tabs: wasm for both nets, WebGPU's software adapter for the small one. */
import { expect, test } from '@playwright/test'
import { rondoRun } from './support/rondo.ts'

interface ParityResult {
  losses: number[]
  worstLoss: number
  worstWeight: number
}

const CASES = [
  { net: 'mlp', accelerator: 'wasm', devices: 2 },
  { net: 'cnn', accelerator: 'wasm', devices: 3 },
  { net: 'mlp', accelerator: 'webgpu', devices: 2 },
] as const

for (const { net, accelerator, devices } of CASES) {
  test(`${net} on ${accelerator} with ${devices} tabs follows PyTorch to 1e-5 at every step`, async () => {
    const { code, output, report } = await rondoRun([
      `--devices=${devices}`,
      `--accelerator=${accelerator}`,
      '--process-group-backend=webrtc',
      'e2e/scripts/parity.ts',
      '--net',
      net,
    ])
    expect(code, output).toBe(0)
    for (const { result, accelerator: used, adapter } of report?.ranks ?? []) {
      expect(used).toBe(accelerator)
      if (accelerator === 'webgpu') expect(adapter).toMatch(/swiftshader/i)
      const { losses, worstLoss } = result as ParityResult
      expect(losses).toHaveLength(20)
      expect(worstLoss).toBeLessThan(1e-5)
    }
    expect(new Set(report?.ranks.map(({ weightsHash }) => weightsHash)).size).toBe(1)
    if (accelerator === 'webgpu') expect(output).toMatch(/software/)
  })
}

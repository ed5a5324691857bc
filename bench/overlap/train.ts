/**
 * What the overlap bench runs in every rank: the char transformer, each batch once with overlap and once without, by
 * turns, so that both see the same machine. Returns the figures of every step. Not for: starting runs (command.ts).
 */
import { adam, DataLoader, DdpStrategy, Fabric } from 'rondo'
import { CharTransformer } from '../../examples/char-transformer/model.ts'
import { ALPHABET, windows, writeText } from '../../examples/char-transformer/text.ts'
import type { OverlapPlan, OverlapResult, WayFigures } from './plan.ts'

const SEED = 7
const CHARACTERS = 100_000
const LEARNING_RATE = 1e-3

export default async function main([text = '']: string[]): Promise<OverlapResult> {
  const plan = JSON.parse(text) as OverlapPlan
  const { width, depth, heads, context, batch, steps, warmUp, hook } = plan
  const ways = []
  for (const overlap of [false, true]) {
    const strategy = new DdpStrategy({ overlap, ...(hook === 'fp32' ? {} : { ddpCommHook: hook }) })
    const fabric = new Fabric({ strategy })
    await fabric.launch()
    fabric.seedEverything(SEED, { verbose: false })
    const net = new CharTransformer({ vocabulary: ALPHABET.length, context, width, depth, heads })
    const [model, optimizer] = await fabric.setup(net, adam({ learningRate: LEARNING_RATE }))
    const figures: WayFigures = { overlap, steps: [], weightsHash: '' }
    ways.push({ fabric, net, model, optimizer, figures })
  }
  const [first] = ways as [(typeof ways)[0]]
  const data = windows(writeText(CHARACTERS, SEED), context)
  const loader = await first.fabric.setupDataLoaders(new DataLoader(data, { batchSize: batch, shuffle: true }))

  let step = 0
  for await (const [characters, next] of loader) {
    // Whoever goes second finds warm caches: they take turns.
    for (const { fabric, net, model, optimizer, figures } of step % 2 === 0 ? ways : [...ways].reverse()) {
      optimizer.zeroGrad()
      await fabric.backward(() => net.loss(characters, next), { samples: batch })
      await optimizer.step()
      const report = model.replica.lastStep
      if (report && step >= warmUp) figures.steps.push(report.times)
    }
    if (++step === warmUp + steps) break
  }
  for (const { model, figures } of ways) figures.weightsHash = await model.weightsHash()
  const parameters = first.model.parameters().reduce((sum, { variable }) => sum + variable.size, 0)
  return { parameters, ways: ways.map(({ figures }) => figures) }
}

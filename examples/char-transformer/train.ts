/**
 * A small character transformer on text made by rule, on as many ranks as there are:
 * `npm run rondo -- run examples/char-transformer/train.ts --devices 2 --steps 200 --width 64 --depth 4`.
 */
import * as tf from '@tensorflow/tfjs'
import { DataLoader, Fabric } from 'rondo'
import { CharTransformer } from './model.ts'
import { ALPHABET, encode, windows, writeText } from './text.ts'

/** Flags of the script and what they are when they are not given; all whole numbers above 0. */
const DEFAULTS = {
  /** Optimizer steps. */
  steps: 200,
  /** Windows of text of all ranks together in a step. */
  batch: 32,
  context: 64,
  width: 64,
  depth: 4,
  heads: 4,
}
const LEARNING_RATE = 2e-3
const TRAINING_CHARACTERS = 200_000
const TEST_CHARACTERS = 8_000
/** Steps between two lines of output. */
const LOG_EVERY = 25
const SAMPLE_CHARACTERS = 120
const SAMPLE_START = 'three and four make '

export default async function main(args: string[]): Promise<{ testLoss: number; bitsPerCharacter: number }> {
  const flags = readFlags(args)
  const fabric = new Fabric()
  await fabric.launch()
  fabric.seedEverything(7)

  const { context, width, depth, heads } = flags
  const net = new CharTransformer({ vocabulary: ALPHABET.length, context, width, depth, heads })
  const [model, optimizer] = await fabric.setup(net, tf.train.adam(LEARNING_RATE))
  const batchSize = Math.max(1, Math.round(flags.batch / fabric.worldSize))
  const trainSet = windows(writeText(TRAINING_CHARACTERS, 1), context)
  const testSet = windows(writeText(TEST_CHARACTERS, 2), context)
  const trainLoader = await fabric.setupDataLoaders(new DataLoader(trainSet, { batchSize, shuffle: true }))
  const testLoader = await fabric.setupDataLoaders(new DataLoader(testSet, { batchSize }), { exact: true })

  let step = 0
  let loss = Number.NaN
  while (step < flags.steps) {
    for await (const [characters, next] of trainLoader) {
      if (step === flags.steps) break
      optimizer.zeroGrad()
      loss = await fabric.backward(() => net.loss(characters, next))
      await optimizer.step()
      step++
      if (step % LOG_EVERY === 0 || step === flags.steps) {
        fabric.log('train_loss', loss)
        fabric.print(`step ${step} of ${flags.steps}: loss ${loss.toFixed(3)} nats a character`)
      }
    }
  }

  let [sum, count] = [0, 0]
  for await (const [characters, next] of testLoader) {
    const mean = tf.tidy(() => net.loss(characters, next))
    sum += ((await mean.data())[0] as number) * next.size
    count += next.size
    mean.dispose()
  }
  const [total, characters] = await fabric.allReduce([sum, count], { op: 'sum' })
  const testLoss = (total as number) / (characters as number)
  const bitsPerCharacter = testLoss / Math.LN2
  fabric.log('test_loss', testLoss)
  fabric.print(`test loss ${testLoss.toFixed(3)} nats, ${bitsPerCharacter.toFixed(2)} bits a character`)
  if (fabric.isGlobalZero) console.log(SAMPLE_START + (await continued(net, SAMPLE_START)))
  await fabric.save('model.safetensors', { model })
  return { testLoss, bitsPerCharacter }
}

/** The likeliest continuation, a character at a time. */
async function continued(net: CharTransformer, start: string): Promise<string> {
  let text = start
  for (let i = 0; i < SAMPLE_CHARACTERS; i++) {
    const seen = encode(text.slice(-net.shape.context))
    const likeliest = tf.tidy(() => {
      const scores = net.forward(tf.tensor2d(seen, [1, seen.length], 'int32'))
      return tf.argMax(tf.slice(scores, [seen.length - 1, 0], [1, ALPHABET.length]), 1)
    })
    text += ALPHABET[(await likeliest.data())[0] as number]
    likeliest.dispose()
  }
  return text.slice(start.length)
}

function readFlags(args: string[]): typeof DEFAULTS {
  const flags = { ...DEFAULTS }
  for (let i = 0; i < args.length; i += 2) {
    const name = (args[i] as string).replace(/^--/, '') as keyof typeof DEFAULTS
    const value = Number(args[i + 1])
    if (!(name in DEFAULTS) || !Number.isInteger(value) || value < 1) {
      const known = Object.keys(DEFAULTS).map((flag) => `--${flag}`)
      throw new Error(
        `${args[i]} ${args[i + 1] ?? ''}: allowed are ${known.join(', ')}, each with a whole number above 0.`,
      )
    }
    flags[name] = value
  }
  return flags
}

/**
 * `bench codecs`: what each codec costs per byte of float32, by vectors and by the plain loops beside them, in turns within
 * one run. One thread in Node. Not for: what a codec saves on a link (allreduce/), or does to training (strategies).
 */
import { bf16Codec } from '../packages/collectives/src/codecs/bf16.ts'
import { CODECS, type Codec } from '../packages/collectives/src/codecs/codec.ts'
import { f16Codec } from '../packages/collectives/src/codecs/f16.ts'
import { int8Codec } from '../packages/collectives/src/codecs/int8.ts'
import { formatNumber, median } from './figures.ts'
import { readFlags } from './flags.ts'
import { JsonReport } from './json-report.ts'

const none = (): null => null
const PLAIN: Readonly<Record<string, Codec>> = {
  f16: f16Codec(none),
  bf16: bf16Codec(none),
  int8: int8Codec('int8', false, none),
  'int8-stochastic': int8Codec('int8-stochastic', true, none),
}
/** Values of a message, as many as 64 KiB hold. */
const VALUES = 16_384
/** Messages before timing, for the engine's compilers, in one timed turn, and turns. */
const WARM_UP = 300
const MESSAGES = 40
const TURNS = 25

interface Row {
  codec: string
  /** Nanoseconds per byte of float32. */
  encode: { vectors: number; plain: number }
  decode: { vectors: number; plain: number }
}

export function codecsCommand(words: readonly string[]): void {
  const { json: path } = readFlags(words, ['json'])
  const json = JsonReport.at(path)
  console.log('ns per byte of float32   encode  plain  ratio   decode  plain  ratio')
  const results = Object.entries(PLAIN).map(([name, plain]) => {
    const row = measure(name, CODECS[name as keyof typeof CODECS], plain)
    const columns = [row.encode, row.decode].map(
      ({ vectors, plain }) => `${formatNumber(vectors)}  ${formatNumber(plain)}  ${(plain / vectors).toFixed(1)}`,
    )
    console.log(`${name.padEnd(24)} ${columns.join('    ')}`)
    return row
  })
  json?.write('codecs', words, null, { results })
}

function measure(codec: string, vectors: Codec, plain: Codec): Row {
  const [fast, slow] = [vectors, plain].map((one) => timer(one)) as [Timer, Timer]
  const times: number[][] = [[], [], [], []]
  for (let turn = 0; turn < TURNS; turn++) {
    const turned = [fast.encode(), slow.encode(), fast.decode(), slow.decode()]
    turned.forEach((ns, i) => void times[i]!.push(ns))
  }
  const [encodeFast, encodeSlow, decodeFast, decodeSlow] = times.map(median) as [number, number, number, number]
  return {
    codec,
    encode: { vectors: encodeFast, plain: encodeSlow },
    decode: { vectors: decodeFast, plain: decodeSlow },
  }
}

interface Timer {
  encode(): number
  decode(): number
}

function timer(codec: Codec): Timer {
  const values = Float32Array.from({ length: VALUES }, (_, i) => Math.sin(i))
  const bytes = new Uint8Array(codec.bytesFor(VALUES))
  const back = new Float32Array(VALUES)
  const time = (work: () => void): number => {
    const began = performance.now()
    for (let i = 0; i < MESSAGES; i++) work()
    return (1e6 * (performance.now() - began)) / (MESSAGES * values.byteLength)
  }
  const encode = (): number => time(() => codec.encode(values, bytes))
  const decode = (): number => time(() => codec.decode(bytes, back))
  for (let i = 0; i < WARM_UP / MESSAGES; i++) {
    encode()
    decode()
  }
  return { encode, decode }
}

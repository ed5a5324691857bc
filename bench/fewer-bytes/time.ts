/** Milliseconds of communication a step in two tabs over WebRTC, methods in turn so that the machine's moods meet all alike. */
import { loadavg } from 'node:os'
import { Cleanup } from '../../packages/cli/src/process/cleanup.ts'
import { TabsLab } from '../allreduce/tabs-lab.ts'
import { median } from '../figures.ts'
import type { FewerBytesPlan } from './arguments.ts'

/** Steps of one repetition. */
const STEPS = 2

export interface TimeFigures {
  method: string
  milliseconds: { median: number; fastest: number; slowest: number }
  /** Median over the rounds of f32's time beside this one's. */
  fasterThanF32: number
  loadAverage: number
}

export async function measureTimes(
  { methods, bytes, repetitions, browser }: FewerBytesPlan,
  signal: AbortSignal,
): Promise<TimeFigures[]> {
  const cleanup = new Cleanup()
  const hooked = methods.flatMap(({ name, hook }) => (hook === null ? [] : [{ name, hook }]))
  const times = new Map<string, number[]>(hooked.map(({ name }) => [name, []]))
  try {
    const lab = await TabsLab.open({ browser, cleanup, signal, say: (line) => console.error(line) })
    const world = await lab.world('webrtc', 2)
    for (let round = -1; round < repetitions; round++) {
      for (const { name, hook } of hooked) {
        signal.throwIfAborted()
        const ms = (await world.gradients!(hook, bytes, STEPS)) / STEPS
        // The first round warms connections and compilers.
        if (round >= 0) times.get(name)!.push(ms)
      }
    }
    await world.close()
  } finally {
    await cleanup.run()
  }
  const plain = times.get('f32')!
  return hooked.map(({ name }) => {
    const own = times.get(name)!
    return {
      method: name,
      milliseconds: { median: median(own), fastest: Math.min(...own), slowest: Math.max(...own) },
      fasterThanF32: median(own.map((ms, round) => plain[round]! / ms)),
      loadAverage: loadavg()[0]!,
    }
  })
}

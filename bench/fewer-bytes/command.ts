/**
 * `bench fewer-bytes`: what each way of sending gradients costs in bytes, time and accuracy, against f32 in the same run.
 * Not for: the trainings (training.ts) and the timing (time.ts) themselves.
 */
import { listenForInterrupts } from '../../packages/cli/src/process/interrupt.ts'
import { JsonReport } from '../json-report.ts'
import { type FewerBytesPlan, parseFewerBytesPlan } from './arguments.ts'
import { charTask } from './char.ts'
import { mnistTask } from './mnist.ts'
import { printTimes, printTrainings } from './table.ts'
import { measureTimes, type TimeFigures } from './time.ts'
import { type Task, type TrainingResult, trainOnce } from './training.ts'

export interface Training extends TrainingResult {
  task: 'mnist' | 'char'
  method: string
  seed: number
}

export async function fewerBytesCommand(words: readonly string[]): Promise<void> {
  const plan = parseFewerBytesPlan(words)
  const json = JsonReport.at(plan.json)
  const interrupt = listenForInterrupts((name) => console.error(`${name}: stopping …`))
  const trainings: Training[] = []
  let times: TimeFigures[] = []
  try {
    if (plan.parts.includes('time')) {
      times = await measureTimes(plan, interrupt.signal)
      printTimes(times, plan.bytes)
    }
    for (const name of ['mnist', 'char'] as const) {
      if (!plan.parts.includes(name)) continue
      const task = name === 'mnist' ? mnistTask(plan.net, plan.epochs, plan.ranks) : charTask(plan.steps, plan.ranks)
      const own = await trainAll(name, task, plan, interrupt.signal)
      trainings.push(...own)
      printTrainings(name, own)
    }
    json?.write('fewer-bytes', words, null, { trainings, times })
  } finally {
    interrupt.dispose()
  }
}

/** Every method with every seed; a line each on standard error, because it takes minutes. */
async function trainAll(
  name: Training['task'],
  task: Task,
  { methods, seeds, ranks }: FewerBytesPlan,
  signal: AbortSignal,
): Promise<Training[]> {
  const trainings: Training[] = []
  for (const seed of seeds) {
    for (const method of methods) {
      signal.throwIfAborted()
      const result = await trainOnce(task, method.strategy, seed, ranks)
      trainings.push({ task: name, method: method.name, seed, ...result })
      const { score, bytesPerStep, trainLoss, seconds } = result
      console.error(
        `${name} seed ${seed} ${method.name}: ${score.toFixed(4)}, training loss ${trainLoss.toFixed(4)}, ${Math.round(bytesPerStep)} bytes a step, ${seconds.toFixed(0)} s`,
      )
    }
  }
  return trainings
}

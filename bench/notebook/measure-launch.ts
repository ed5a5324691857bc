/** How long launches take: a small function on cold and warm ranks, and MNIST's first step. Not for: training. */
import type { Figure } from './figure.ts'
import type { NotebookLab } from './lab.ts'
import { cellWith } from './tab.ts'

/** Launches of one notebook after its first. */
const WARM_LAUNCHES = 4
/** Milliseconds of a small function on ranks that were used before. */
const WANTED_WARM_MS = 1_000
/** Milliseconds from Run to the first training step of MNIST on warm ranks. */
const WANTED_STEP_MS = 3_000
/** Milliseconds for an epoch of MNIST on a slow machine. */
const TRAINING_MS = 400_000

const SETUP = "import { Fabric } from 'rondo'\nconst fabric = new Fabric({ devices: 2, strategy: 'ddp_notebook' })"
const SMALL = "async function small(fabric, n: number) {\n  return await fabric.allReduce(n, { op: 'sum' })\n}"
const LAUNCH = [
  'const t = performance.now()',
  'const sum = await fabric.launch(small, 21)',
  "console.log('launched in', performance.now() - t, 'ms:', sum)",
].join('\n')

/** The time is the cell's own, around `await fabric.launch(…)`. */
export async function measureLaunch(lab: NotebookLab, repetitions: number): Promise<Figure[]> {
  const cold: number[] = []
  const warm: number[] = []
  for (let i = 0; i < repetitions; i++) {
    await lab.inFreshTab(async (tab) => {
      await tab.cells(SETUP, SMALL, LAUNCH)
      await tab.run(0)
      await tab.run(1)
      const launch = async (): Promise<number> => {
        await tab.run(2)
        const text = (await tab.output(2).textContent()) ?? ''
        const ms = /launched in ([\d.]+) ms: 42/.exec(text)?.[1]
        if (ms === undefined) throw new Error(`the launch printed something else: ${text}`)
        return Number(ms)
      }
      cold.push(await launch())
      for (let j = 0; j < WARM_LAUNCHES; j++) warm.push(await launch())
    })
  }
  return [
    { what: 'launch of a small function, 2 ranks, the first', unit: 'ms', values: cold },
    { what: 'launch of a small function, 2 ranks, warm', unit: 'ms', values: warm, wanted: WANTED_WARM_MS },
  ]
}

/**
 * The example as it stands, its epochs run to their end, as Stop would end the ranks. A step counts when the first rank's
 * first `progress` event is back in the page, on the clock that saw the click on Run.
 */
export async function measureMnist(lab: NotebookLab, repetitions: number): Promise<Figure[]> {
  const first: number[] = []
  const steps: number[] = []
  const seen: number[] = []
  await lab.inFreshTab(async (tab) => {
    await tab.example('MNIST')
    const launchCell = cellWith('mnist', 'fabric.launch(')
    for (let cell = 1; cell < launchCell; cell++) await tab.run(cell)
    const run = tab.page.getByRole('toolbar', { name: 'Run' }).getByRole('button', { name: 'Run', exact: true })
    for (let i = 0; i <= repetitions; i++) {
      lab.signal.throwIfAborted()
      await tab.select(launchCell)
      await tab.ends(launchCell, () => run.click(), TRAINING_MS)
      const { pressedAt, firstStep, firstStepSeen } = await tab.clock()
      if (firstStep === null || firstStepSeen === null) throw new Error('the page never heard of a training step')
      if (i === 0) first.push(firstStep - pressedAt)
      else {
        steps.push(firstStep - pressedAt)
        seen.push(firstStepSeen - pressedAt)
      }
    }
  })
  return [
    { what: 'MNIST: Run to the first training step, first launch', unit: 'ms', values: first },
    { what: 'MNIST: Run to the first training step, warm', unit: 'ms', values: steps, wanted: WANTED_STEP_MS },
    { what: 'MNIST: Run to the panel that shows training, warm', unit: 'ms', values: seen },
  ]
}

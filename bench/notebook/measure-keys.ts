/** How long a key takes to be seen in a long notebook. Not for: short ones, which are faster. */
import type { Figure } from './figure.ts'
import type { NotebookLab } from './lab.ts'

const CELLS = 200
/** Milliseconds between two keys: a fast typist's. */
const KEY_INTERVAL_MS = 80
/** Milliseconds from a key to the frame that shows it. */
const WANTED_MS = 50

const SOURCE = (i: number): string => `// Step ${i}: a cell as people write them.
function prepare${i}(images: Float32Array, labels: Int32Array) {
  const scaled = images.map((value) => value / 255)
  let sum = 0
  for (const label of labels) sum += label
  return { scaled, mean: sum / labels.length, name: 'batch ${i}' }
}
prepare${i}(new Float32Array(784).fill(${i % 256}), Int32Array.of(1, 2, 3)).mean`

/** With names to complete, brackets to close and a string: what the editor has to do for a key varies. */
const TYPED =
  "const batch = prepare7(new Float32Array(784), labels).scaled.filter((x) => x > 0.5); console.log('n', batch)"

export async function measureKeys(lab: NotebookLab, repetitions: number): Promise<Figure[]> {
  const milliseconds: number[] = []
  for (let i = 0; i < repetitions; i++) {
    const times = await lab.inFreshTab(async (tab) => {
      await tab.cells(...Array.from({ length: CELLS }, (_, i) => SOURCE(i)))
      const editor = tab.cell(CELLS / 2).locator('.cm-content')
      await tab.cell(CELLS / 2).scrollIntoViewIfNeeded()
      await editor.click()
      await tab.page.keyboard.press('Control+End')
      await tab.page.keyboard.press('Enter')
      for (const key of TYPED) {
        await tab.page.keyboard.press(key === ' ' ? 'Space' : key)
        await tab.page.waitForTimeout(KEY_INTERVAL_MS)
      }
      return (await tab.clock()).keyMs
    })
    if (times.length === 0) throw new Error('no key wrote anything')
    milliseconds.push(...times)
  }
  return [
    {
      what: `key to painted frame, ${CELLS} cells`,
      unit: 'ms',
      values: milliseconds,
      wanted: WANTED_MS,
      statistic: 'p95',
    },
  ]
}

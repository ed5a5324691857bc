/** `rondo run --timeline FILE`: a trace of real runs that a viewer can load, whole also when a run breaks off. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { type ReadTrace, readTrace } from '../packages/cli/src/testing/trace.ts'
import { freePort, rondoRun, startRondo } from './support/rondo.ts'

const WORLD_SIZE = 2
let folder = ''

test.beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rondo-timeline-'))
})
test.afterEach(() => rmSync(folder, { recursive: true, force: true }))

const file = (): string => join(folder, 'trace.json')
const read = (): ReadTrace => readTrace(readFileSync(file(), 'utf8'))
const command = (...script: string[]): string[] => [`--devices=${WORLD_SIZE}`, '--timeline', file(), ...script]

/** How often each rank did something, by category and name without numbers: "compute forward" → [20, 20]. */
function counts({ spans }: ReadTrace): Record<string, number[]> {
  const table: Record<string, number[]> = {}
  for (const { cat, name, args } of spans) {
    const key = `${cat} ${name.replaceAll(/ ?\d+/g, '')}`
    const row = table[key] ?? new Array<number>(WORLD_SIZE).fill(0)
    row[args.rank] = (row[args.rank] ?? 0) + 1
    table[key] = row
  }
  return table
}

test('shows every phase of every rank on one clock', async () => {
  const { code, output } = await rondoRun(command('e2e/scripts/tiny.ts', '--steps', '20'))
  expect(code, output).toBe(0)
  expect(output).toMatch(/timeline in .*trace\.json: \d+ spans, clocks within \d+\.\d\d ms/)
  const trace = read()
  expect(trace.faults).toEqual([])
  const every = [20, 20]
  expect(counts(trace)).toMatchObject({
    'data batch': every,
    'compute forward': every,
    'compute backward': every,
    'readback read bucket': every,
    'communication all-reduce bucket': every,
    'communication set up model': [1, 1],
    'apply apply': every,
    'barrier launch': [1, 1],
    'barrier end of script': [1, 1],
  })
  // 2·8 + 8 and 8·2 + 2 parameters of four bytes.
  for (const span of trace.spans) if (span.cat === 'communication' && span.args.bytes) expect(span.args.bytes).toBe(168)

  // The same bucket of the same step goes round on all ranks at once: on one clock its spans overlap.
  const { clocks } = trace.otherData as { clocks: Record<string, { offsetMs: number; errorMs: number }> }
  const errorUs = Math.max(...Object.values(clocks).map(({ errorMs }) => errorMs)) * 1000
  expect(clocks['rank 0']).toEqual({ offsetMs: 0, errorMs: 0 })
  const [zero, one] = [0, 1].map((rank) =>
    trace.spans.filter(({ name, args }) => args.rank === rank && name.startsWith('all-reduce bucket')),
  ) as [ReadTrace['spans'], ReadTrace['spans']]
  zero.forEach((span, i) => {
    const other = one[i] as typeof span
    expect(other.ts).toBeLessThanOrEqual(span.ts + span.dur + errorUs)
    expect(span.ts).toBeLessThanOrEqual(other.ts + other.dur + errorUs)
  })
})

test('is whole when a rank throws', async () => {
  const { code, output } = await rondoRun(
    command('e2e/scripts/tiny.ts', '--steps', '50', '--throw-at', '12', '--throw-in', '1'),
  )
  expect(code, output).toBe(1)
  const trace = read()
  expect(trace.faults).toEqual([])
  expect(counts(trace)['apply apply']).toEqual([12, 12])
  expect(counts(trace)['data batch']?.[1]).toBe(13)
  // What rank 0 waited for in vain is there too: the last thing of the timeline.
  expect(counts(trace)['communication all-reduce bucket']?.[0]).toBe(13)
})

test('is whole when the run is stopped', async () => {
  const running = startRondo([
    'run',
    `--main-port=${await freePort()}`,
    ...command('e2e/scripts/tiny.ts', '--steps', '100000', '--pace', '20'),
  ])
  await running.waitFor(/epoch 2/)
  running.process.kill('SIGINT')
  const { code, output } = await running.finished
  expect(code, output).toBe(1)
  const trace = read()
  expect(trace.faults).toEqual([])
  const applied = counts(trace)['apply apply'] as [number, number]
  expect(Math.min(...applied)).toBeGreaterThanOrEqual(10)
  expect(Math.abs(applied[0] - applied[1])).toBeLessThanOrEqual(1)
})

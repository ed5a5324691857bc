/** The queue of runs against a kernel that the test answers by hand. */
import { signal } from '@preact/signals'
import type { KernelOutput } from '@rondo/kernel/output'
import { describe, expect, it } from 'vitest'
import type { ExecuteRequest } from '../kernel/messages.ts'
import type { ExecuteResult, KernelPort, KernelState } from '../kernel/port.ts'
import { blankCell } from './cell.ts'
import { NotebookDocument } from './document.ts'
import { NotebookRunner } from './runner.ts'

interface Call {
  request: ExecuteRequest
  say(output: KernelOutput): void
  end(status: ExecuteResult['status']): Promise<void>
}

function lab(...sources: string[]) {
  const calls: Call[] = []
  const events: string[] = []
  const port: KernelPort = {
    state: signal<KernelState>('idle'),
    prepare: () => undefined,
    execute: (request, say) =>
      new Promise((resolve) => {
        calls.push({
          request,
          say,
          end: async (status) => {
            resolve({ status, milliseconds: 5 })
            await settled()
          },
        })
      }),
    interrupt: () => void events.push('interrupt'),
    kill: () => void events.push('kill'),
    restart: async () => void events.push('restart'),
    complete: async () => ({ from: 0, items: [] }),
  }
  const document = new NotebookDocument({ cells: sources.map((source) => blankCell('code', source)), metadata: {} })
  const runner = new NotebookRunner(document, port)
  return { calls, events, document, runner, cells: document.cells.peek() }
}
/** Outputs of one go are taken together, a moment later. */
const settled = () => new Promise((done) => setTimeout(done))
const print = (text: string): KernelOutput => ({ kind: 'stream', name: 'stdout', text })

describe('the queue', () => {
  it('runs one cell after another, numbers them, and keeps their times', async () => {
    const { calls, runner, cells } = lab('1', '2')
    runner.run(cells)
    expect(cells.map((cell) => cell.run.peek().state)).toEqual(['running', 'queued'])
    expect(calls).toHaveLength(1)
    await calls[0]!.end('ok')
    expect(calls[1]!.request).toMatchObject({ code: '2', cellNumber: 2 })
    await calls[1]!.end('ok')
    expect(cells.map((cell) => cell.executionCount.peek())).toEqual([1, 2])
    expect(cells.map((cell) => cell.run.peek())).toEqual(
      [1, 2].map(() => ({ state: 'idle', startedAt: null, milliseconds: 5 })),
    )
    expect(runner.busy.peek()).toBe(false)
  })

  it('stops at the first error and marks its line', async () => {
    const { calls, runner, cells } = lab('1', '2')
    runner.run(cells)
    const frame = { functionName: '', cellId: cells[0]!.id, cellNumber: 1, line: 1, column: 1, source: null }
    const error = { name: 'E', message: 'no', frames: [frame], cause: null, rank: null, node: null, code: null }
    calls[0]!.say({ kind: 'error', error })
    await calls[0]!.end('error')
    expect(calls).toHaveLength(1)
    expect(cells[1]!.run.peek().state).toBe('idle')
    expect(cells[0]!.mark.peek()).toMatchObject({ line: 1, message: 'no' })
    cells[0]!.setSource('fixed')
    expect(cells[0]!.mark.peek()).toBeNull()
  })

  it('drops what a superseded run still says', async () => {
    const { calls, runner, cells } = lab('1')
    runner.run(cells)
    await calls[0]!.end('ok')
    calls[0]!.say(print('late\n'))
    await settled()
    expect(cells[0]!.outputs.peek()).toMatchObject([{ text: 'late\n' }])
    runner.run(cells)
    expect(cells[0]!.outputs.peek()).toEqual([])
    calls[0]!.say(print('too late\n'))
    calls[1]!.say(print('mine\n'))
    await settled()
    expect(cells[0]!.outputs.peek()).toMatchObject([{ text: 'mine\n' }])
  })

  it('lets a cell update a display of another', async () => {
    const { calls, runner, cells } = lab('1', '2')
    const show = (text: string, update: boolean): KernelOutput => ({
      kind: 'display',
      data: { 'text/plain': text },
      metadata: {},
      displayId: 'd',
      update,
    })
    runner.run(cells)
    calls[0]!.say(show('old', false))
    await calls[0]!.end('ok')
    calls[1]!.say(print('before\n'))
    calls[1]!.say(show('new', true))
    calls[1]!.say(print('after\n'))
    await settled()
    expect(cells[0]!.outputs.peek()).toMatchObject([{ data: { 'text/plain': 'new' } }])
    expect(cells[1]!.outputs.peek()).toMatchObject([{ text: 'before\nafter\n' }])
  })

  it('forgets what waits on interrupt, and says since when it stops', async () => {
    const { calls, events, runner, cells } = lab('1', '2')
    runner.run(cells)
    runner.interrupt()
    expect(events).toEqual(['interrupt'])
    expect(runner.stoppingSince.peek()).not.toBeNull()
    await calls[0]!.end('interrupted')
    expect(calls).toHaveLength(1)
    expect(runner.stoppingSince.peek()).toBeNull()
  })

  it('queues a running cell once more, and an empty or Markdown cell never', async () => {
    const { calls, document, runner, cells } = lab('1', '  ')
    runner.run(cells)
    runner.run([cells[0]!])
    await calls[0]!.end('ok')
    expect(cells[0]!.run.peek().state).toBe('running')
    await calls[1]!.end('ok')
    expect(calls).toHaveLength(2)
    expect(document.cells.peek()[1]!.executionCount.peek()).toBeNull()
  })

  it('counts anew after a restart', async () => {
    const { calls, events, runner, cells } = lab('1')
    runner.run(cells)
    await calls[0]!.end('ok')
    await runner.restart()
    runner.run(cells)
    expect(events).toEqual(['restart'])
    expect(calls[1]!.request.cellNumber).toBe(1)
  })
})

/**
 * Runs cells one after another on a kernel and puts what comes back into them. The queue stops at the first error.
 * Not for: how a kernel runs code (KernelPort) nor how outputs are joined (outputs/merge.ts).
 */
import { batch, computed, type ReadonlySignal, signal } from '@preact/signals'
import type { CellError, KernelOutput } from '@rondo/kernel/output'
import type { ExecuteResult, KernelPort } from '../kernel/port.ts'
import { appendOutputs, errorPlace, replaceDisplay } from '../outputs/index.ts'
import { type CellModel, IDLE } from './cell.ts'
import { newCellId } from './cell-id.ts'
import type { NotebookDocument } from './document.ts'

type DisplayOutput = Extract<KernelOutput, { kind: 'display' }>

interface Piece {
  cell: CellModel
  executionId: string
  cellNumber: number
  output: KernelOutput
}

export class NotebookRunner {
  /** The cell that runs now. */
  readonly running = signal<CellModel | null>(null)
  readonly waiting = signal<readonly CellModel[]>([])
  /** An interrupt was asked for and the cell still runs: since when, page clock ms. */
  readonly stoppingSince = signal<number | null>(null)
  readonly busy: ReadonlySignal<boolean> = computed(() => this.running.value !== null)
  readonly #document: NotebookDocument
  readonly #port: KernelPort
  /** The latest execution of each cell: what an older one still says is dropped. */
  readonly #latest = new WeakMap<CellModel, string>()
  #executionCount = 0
  #pieces: Piece[] = []

  constructor(document: NotebookDocument, port: KernelPort) {
    this.#document = document
    this.#port = port
  }

  /** Queues cells in the given order. Markdown is shown as text; empty and raw cells have nothing to run. */
  run(cells: readonly CellModel[]): void {
    this.render(cells)
    batch(() => {
      for (const cell of cells) {
        if (cell.kind.peek() !== 'code') continue
        if (cell.source.peek().trim() === '') {
          cell.clearOutputs()
          continue
        }
        if (this.waiting.peek().includes(cell)) continue
        this.waiting.value = [...this.waiting.peek(), cell]
        if (cell !== this.running.peek()) cell.run.value = { ...cell.run.peek(), state: 'queued' }
      }
    })
    if (this.running.peek() === null) void this.#drain()
  }

  /** Shows Markdown cells as text; that runs nothing. */
  render(cells: readonly CellModel[]): void {
    for (const cell of cells) {
      if (cell.kind.peek() === 'markdown') cell.rendered.value = cell.source.peek().trim() !== ''
    }
  }

  /** Stops what runs at its next await and forgets what waits. */
  interrupt(): void {
    this.#dropQueue()
    if (this.running.peek() === null) return
    this.stoppingSince.value ??= performance.now()
    this.#port.interrupt()
  }

  /** Ends the kernel, also in the middle of a loop. The notebook's text stays. */
  kill(): void {
    this.#dropQueue()
    this.#port.kill()
  }

  /** A fresh kernel; counters begin anew. */
  async restart(): Promise<void> {
    this.#dropQueue()
    await this.#port.restart()
    this.#executionCount = 0
  }

  /** Forgets a cell that was deleted. */
  forget(cells: readonly CellModel[]): void {
    this.waiting.value = this.waiting.peek().filter((cell) => !cells.includes(cell))
    for (const cell of cells) if (cell !== this.running.peek()) cell.run.value = IDLE
  }

  async #drain(): Promise<void> {
    for (;;) {
      const [cell, ...rest] = this.waiting.peek()
      if (cell === undefined) return
      this.waiting.value = rest
      const { status } = await this.#execute(cell)
      if (status !== 'ok') this.#dropQueue()
    }
  }

  async #execute(cell: CellModel): Promise<ExecuteResult> {
    const executionId = newCellId()
    this.#latest.set(cell, executionId)
    this.#executionCount += 1
    const cellNumber = this.#executionCount
    batch(() => {
      this.running.value = cell
      cell.clearOutputs()
      cell.ranHere.value = true
      cell.run.value = { state: 'running', startedAt: performance.now(), milliseconds: null }
    })
    const result = await this.#port.execute(
      { executionId, cellId: cell.id, cellNumber, code: cell.source.peek() },
      (output) => this.#take({ cell, executionId, cellNumber, output }),
    )
    this.#flush()
    batch(() => {
      this.running.value = null
      this.stoppingSince.value = null
      cell.setExecutionCount(cellNumber)
      // It may have been asked for again while it ran.
      const state = this.waiting.peek().includes(cell) ? 'queued' : 'idle'
      cell.run.value = { state, startedAt: null, milliseconds: result.milliseconds }
    })
    return result
  }

  /** Gathers what comes in one go (a message of the kernel), so that a list of outputs is copied once for all. */
  #take(piece: Piece): void {
    if (this.#pieces.length === 0) queueMicrotask(() => this.#flush())
    this.#pieces.push(piece)
  }

  #flush(): void {
    const pieces = this.#pieces.filter(({ cell, executionId }) => this.#latest.get(cell) === executionId)
    this.#pieces = []
    batch(() => {
      let start = 0
      while (start < pieces.length) {
        const { cell, output, cellNumber } = pieces[start]!
        let end = start + 1
        if (isUpdate(output) && this.#replaceShown(output)) {
          start = end
          continue
        }
        while (end < pieces.length && pieces[end]!.cell === cell && !isUpdate(pieces[end]!.output)) end += 1
        const own = pieces.slice(start, end).map((piece) => piece.output)
        cell.setOutputs(appendOutputs(cell.outputs.peek(), own, cellNumber))
        for (const said of own) if (said.kind === 'error') this.#mark(said.error)
        start = end
      }
    })
  }

  /** An update may be for a display that another cell shows. */
  #replaceShown(output: DisplayOutput): boolean {
    let isShown = false
    for (const cell of this.#document.cells.peek()) {
      const before = cell.outputs.peek()
      const after = replaceDisplay(before, output)
      isShown ||= after !== before
      cell.setOutputs(after)
    }
    return isShown
  }

  #mark(error: CellError): void {
    const place = errorPlace(error)
    const cell = place === null ? undefined : this.#document.find(place.cellId)
    if (place !== null && cell !== undefined) cell.mark.value = { ...place, message: error.message }
  }

  #dropQueue(): void {
    batch(() => {
      for (const cell of this.waiting.peek()) {
        if (cell !== this.running.peek()) cell.run.value = { ...cell.run.peek(), state: 'idle' }
      }
      this.waiting.value = []
    })
  }
}

function isUpdate(output: KernelOutput): output is DisplayOutput {
  return output.kind === 'display' && output.update
}

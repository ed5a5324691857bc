/** A kernel with its outputs in a list, and a module run beside it to compare with. For tests. */
import { inspect } from 'node:util'
import type { CellError, KernelOutput } from '../../output.ts'
import { Kernel } from '../../run/kernel.ts'
import type { ExecuteResult, KernelOptions } from '../../run/types.ts'

export interface Recorded {
  execution: string
  output: KernelOutput
}

export class KernelFixture {
  readonly outputs: Recorded[] = []
  readonly kernel: Kernel
  private count = 0

  constructor(options: Partial<KernelOptions> = {}) {
    this.kernel = new Kernel({
      importModule: async (specifier) => {
        throw new Error(`no module ${specifier}`)
      },
      onOutput: (execution, output) => this.outputs.push({ execution, output }),
      describe: (value) => ({ 'text/plain': inspect(value) }),
      ...options,
    })
  }

  /** Runs a cell; a cell id can be given to run "the same cell" again. The execution is `e<n>`. */
  run(code: string, cellId?: string): Promise<ExecuteResult> {
    const n = ++this.count
    return this.kernel.execute({ executionId: `e${n}`, cellId: cellId ?? `c${n}`, cellNumber: n, code })
  }

  /** Text of a cell's result, after it ran well. */
  async result(code: string): Promise<string | undefined> {
    const before = this.outputs.length
    const { status } = await this.run(code)
    const added = this.outputs.slice(before).map(({ output }) => output)
    const error = added.find((output) => output.kind === 'error')
    if (status !== 'ok') throw new Error(`${status}: ${error?.error.name}: ${error?.error.message}`)
    const result = added.find((output) => output.kind === 'result')
    return result === undefined ? undefined : String(result.data['text/plain'])
  }

  /** Runs a cell that must fail. */
  async error(code: string): Promise<CellError> {
    const before = this.outputs.length
    const { status } = await this.run(code)
    const added = this.outputs.slice(before).map(({ output }) => output)
    const error = added.find((output) => output.kind === 'error')
    if (status === 'ok' || error === undefined) throw new Error(`The cell did not fail: ${code}`)
    return error.error
  }

  /** What an execution wrote to a stream. */
  stream(execution: string, name: 'stdout' | 'stderr' = 'stdout'): string {
    return this.outputs
      .filter((recorded) => recorded.execution === execution)
      .map(({ output }) => (output.kind === 'stream' && output.name === name ? output.text : ''))
      .join('')
  }
}

/** Lines with `line:column` of an error's frames in cells, innermost first. */
export function placesOf(error: CellError): string[] {
  return error.frames
    .filter(({ cellId }) => cellId !== null)
    .map(({ functionName, cellId, line, column }) => `${functionName}@${cellId}:${line}:${column}`)
}

/** Resolves after the timers that are due within this time have fired. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/**
 * A kernel for looking at and testing the shell alone: runs plain JavaScript in the page itself. Only for the
 * development page; the product's kernel is a worker with a scope of its own.
 */
import { signal } from '@preact/signals'
import type { KernelOutput } from '@rondo/kernel/output'
import type { ExecuteRequest } from '../kernel/messages.ts'
import type { Completions, ExecuteResult, KernelPort, KernelState } from '../kernel/port.ts'

type AsyncFunction = (...args: unknown[]) => Promise<unknown>
const AsyncFunctionType = (async () => undefined).constructor as new (...args: string[]) => AsyncFunction

export class TinyKernel implements KernelPort {
  readonly state = signal<KernelState>('idle')
  #scope: Record<string, unknown> = {}
  #stop: (() => void) | null = null

  prepare(): void {}

  async execute(
    { code, cellId, cellNumber }: ExecuteRequest,
    onOutput: (output: KernelOutput) => void,
  ): Promise<ExecuteResult> {
    if (this.state.peek() === 'dead') return { status: 'interrupted', milliseconds: 0 }
    this.state.value = 'busy'
    const started = performance.now()
    const stopped = new Promise<'interrupted'>((resolve) => {
      this.#stop = () => resolve('interrupted')
    })
    const run = this.#run(code, { cellId, cellNumber }, onOutput)
    const status = await Promise.race([run, stopped])
    if (this.#isAlive()) this.state.value = 'idle'
    return { status, milliseconds: performance.now() - started }
  }

  interrupt(): void {
    this.#stop?.()
  }

  kill(): void {
    this.#stop?.()
    this.state.value = 'dead'
  }

  async restart(): Promise<void> {
    this.#stop?.()
    this.#scope = {}
    this.state.value = 'idle'
  }

  async complete(code: string, offset: number): Promise<Completions> {
    const word = /[\w$]*$/.exec(code.slice(0, offset))?.[0] ?? ''
    const names = [...Object.keys(this.#scope), 'fabric', 'console']
    const items = names
      .filter((name) => name.startsWith(word))
      .map((label) => ({ label, type: 'variable', detail: 'any' }))
    return { from: offset - word.length, items }
  }

  #isAlive(): boolean {
    return this.state.peek() !== 'dead'
  }

  async #run(
    code: string,
    { cellId, cellNumber }: { cellId: string; cellNumber: number },
    onOutput: (output: KernelOutput) => void,
  ): Promise<'ok' | 'error'> {
    const print = (name: 'stdout' | 'stderr') => (value: unknown) =>
      onOutput({ kind: 'stream', name, text: `${String(value)}\n` })
    const display = (data: Record<string, unknown>) =>
      onOutput({ kind: 'display', data, metadata: {}, displayId: null, update: false })
    try {
      const body = new AsyncFunctionType('$', 'console', 'display', `with ($) { ${asExpression(code)} }`)
      const value = await body(this.#scope, { log: print('stdout'), error: print('stderr') }, display)
      if (value !== undefined) onOutput({ kind: 'result', data: { 'text/plain': String(value) }, metadata: {} })
      return 'ok'
    } catch (thrown) {
      const { name, message } = thrown instanceof Error ? thrown : new Error(String(thrown))
      const line = code.split('\n').findIndex((text) => text.includes('throw')) + 1
      const frame = { functionName: '', cellId, cellNumber, line: Math.max(1, line), column: 1, source: null }
      onOutput({
        kind: 'error',
        error: { name, message, frames: [frame], cause: null, rank: null, node: null, code: null },
      })
      return 'error'
    }
  }
}

/** One-line cells that are an expression give their value. */
function asExpression(code: string): string {
  const last = code.trim().split('\n').at(-1) ?? ''
  const isStatement = /^(?:const|let|var|throw|for|while|if|function|class|return|\}|\/\/)/.test(last)
  return isStatement ? code : `${code.trim().slice(0, -last.length)}\nreturn (${last.replace(/;$/, '')})`
}

/** The `display` of cells: shows values, or content of a known kind, in the output of the running cell. */
import type { KernelOutput, MimeBundle } from '../output.ts'
import type { DisplayOptions } from './types.ts'

export interface DisplayFunction {
  (value: unknown, options?: DisplayOptions): void
  html(content: string, options?: DisplayOptions): void
  markdown(content: string, options?: DisplayOptions): void
  svg(content: string, options?: DisplayOptions): void
  /** Empties the cell's output; with `wait` only when the next output comes. */
  clear(options?: { wait?: boolean }): void
}

export function createDisplayFunction(
  describe: (value: unknown) => MimeBundle,
  emit: (output: KernelOutput) => void,
): DisplayFunction {
  const show = (data: MimeBundle, options: DisplayOptions = {}): void =>
    emit({
      kind: 'display',
      data,
      metadata: {},
      displayId: options.displayId ?? null,
      update: options.update ?? false,
    })
  const typed = (call: string, mime: string) => (content: string, options?: DisplayOptions) => {
    if (typeof content !== 'string') {
      throw new TypeError(`display.${call}(${typeof content}): it takes a string; use display(value) for other values`)
    }
    show({ 'text/plain': content, [mime]: content }, options)
  }
  const display = (value: unknown, options?: DisplayOptions): void => {
    if (options?.update === true && options.displayId === undefined) {
      throw new TypeError('display(value, { update: true }): an update needs the displayId of what it replaces')
    }
    show(isMimeBundle(value) ? value : describe(value), options)
  }
  return Object.assign(display, {
    html: typed('html', 'text/html'),
    markdown: typed('markdown', 'text/markdown'),
    svg: typed('svg', 'image/svg+xml'),
    clear: ({ wait = false }: { wait?: boolean } = {}) => emit({ kind: 'clear', wait }),
  })
}

/** A plain object whose keys are all MIME types is shown as the content it is. */
export function isMimeBundle(value: unknown): value is MimeBundle {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  const keys = Object.keys(value)
  return keys.length > 0 && keys.every((key) => /^[a-z]+\/[\w.+-]+$/i.test(key))
}

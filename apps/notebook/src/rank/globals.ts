/** What launched code sees beside its own names: the notebook's own globals, with a `display` that reaches its page. */
import type { DisplayOptions } from '@rondo/kernel'
import { createDisplay } from '@rondo/kernel/display'
import type { KernelOutput, MimeBundle } from '@rondo/kernel/output'

/** @param push takes what is displayed */
export function cellGlobals(push: (output: KernelOutput) => void): Record<string, unknown> {
  const { describe, globals } = createDisplay()
  const show = (data: MimeBundle, { displayId = null, update = false }: DisplayNames = {}): void =>
    push({ kind: 'display', data, metadata: {}, displayId, update })
  const display = (value: unknown, options: DisplayOptions = {}): void => show(describe(value), options)
  const ofText =
    (type: string) =>
    (text: string): void =>
      show({ 'text/plain': text, [type]: text })
  return {
    ...globals,
    display: Object.assign(display, {
      html: ofText('text/html'),
      markdown: ofText('text/markdown'),
      svg: ofText('image/svg+xml'),
    }),
  }
}

interface DisplayNames {
  displayId?: string | null
  update?: boolean
}

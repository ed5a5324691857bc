/** What launched code sees beside its own names: the notebook's own globals, with a `display` that reaches its page. */
import type { DisplayOptions } from '@rondo/kernel'
import { createDisplay } from '@rondo/kernel/display'
import type { KernelOutput, MimeBundle } from '@rondo/kernel/output'

/** @param push takes what is displayed */
export function cellGlobals(push: (output: KernelOutput) => void): Record<string, unknown> {
  const show = (data: MimeBundle, { displayId, update = false }: DisplayOptions = {}): void =>
    push({ kind: 'display', data, metadata: {}, displayId: displayId ?? null, update })
  const { describe, globals } = createDisplay({ show })
  const typed =
    (mime: string) =>
    (content: string, options?: DisplayOptions): void =>
      show({ 'text/plain': content, [mime]: content }, options)
  const display = Object.assign(
    (value: unknown, options?: DisplayOptions): void => show(isBundle(value) ? value : describe(value), options),
    {
      html: typed('text/html'),
      markdown: typed('text/markdown'),
      svg: typed('image/svg+xml'),
      clear: ({ wait = false }: { wait?: boolean } = {}): void => push({ kind: 'clear', wait }),
    },
  )
  return { ...globals, display }
}

/** A plain object with `text/plain` is content already. */
function isBundle(value: unknown): value is MimeBundle {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'text/plain')
}

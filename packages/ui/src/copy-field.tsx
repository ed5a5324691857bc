/** A link to hand on: readable, selectable, copied by one button, which says that it did. */
import type { VNode } from 'preact'
import { useRef, useState } from 'preact/hooks'

export function CopyField({ text, label }: { text: string; label: string }): VNode {
  const field = useRef<HTMLInputElement>(null)
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    field.current?.select()
    try {
      await navigator.clipboard.writeText(text)
      setCopied(true)
    } catch {
      // Without a secure context there is no clipboard: the selection is ready for Ctrl-C instead.
      setCopied(false)
    }
  }
  return (
    <div class="copy">
      <input
        ref={field}
        class="input copy-text"
        readOnly
        value={text}
        aria-label={label}
        onFocus={(event) => event.currentTarget.select()}
      />
      <button type="button" class="button" onClick={copy} onBlur={() => setCopied(false)}>
        {copied ? 'Copied' : 'Copy'}
      </button>
    </div>
  )
}

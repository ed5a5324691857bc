/** Sends a machine away. It asks once more in place; moving on takes the question back. */
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'

export function RemoveButton({ label, remove }: { label: string; remove(): void }): VNode {
  const [asked, setAsked] = useState(false)
  return (
    <button
      type="button"
      class={asked ? 'text-button tone-fail' : 'text-button'}
      aria-label={asked ? `Really remove ${label}` : `Remove ${label}`}
      onClick={() => (asked ? remove() : setAsked(true))}
      onBlur={() => setAsked(false)}
    >
      {asked ? 'Really remove?' : 'Remove'}
    </button>
  )
}
